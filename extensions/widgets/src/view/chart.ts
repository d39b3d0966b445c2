// One chart: the curves of a quantity in training and validation, with their values, a log axis and a table.

import uPlot from 'uplot';
import { count, tick, title, value } from '../format';
import type { DashboardModel } from '../model';
import { align, nearest, smooth } from '../series';
import type { IEvent } from '../tokens';
import { h, icon, write } from './dom';
import { Table } from './table';

export interface IChartState {
  /** 0 to 1: how much the curves of training are smoothed. */
  smoothing: number;
  /** The steps that were zoomed in to, null for all. */
  zoom: [number, number] | null;
}

const MARKED = new Set(['rate', 'pause', 'early_stop', 'stop']);
const ROOM = 1.08;

export class Chart {
  readonly node: HTMLElement;
  log = false;
  private plot: uPlot | null = null;
  private readonly canvas = h('div', { class: 'akid-canvas', role: 'img' });
  private readonly chips: HTMLElement[];
  private readonly logButton = h('button', { type: 'button', class: 'akid-mini', 'aria-pressed': 'false', title: 'Logarithmic axis', click: () => this.toggleLog() }, 'log');
  private readonly tableButton = h('button', { type: 'button', class: 'akid-mini', 'aria-pressed': 'false', click: () => this.toggleTable() }, icon('table'));
  private readonly at = h('span', { class: 'akid-at', title: 'Step under the cursor' });
  private readonly table: Table;

  /**
   * @param tags the training tag first, then the validation tag.
   * @param changeZoom called with the steps the user zooms in to.
   */
  constructor(
    private readonly model: DashboardModel,
    private readonly state: IChartState,
    readonly name: string,
    private tags: string[],
    private readonly key: string,
    private readonly changeZoom: (zoom: [number, number] | null) => void
  ) {
    this.table = new Table(model, name, tags);
    this.chips = tags.map(() => h('b', { class: 'akid-value' }, '–'));
    this.tableButton.title = `${title(name)} as a table`;
    this.tableButton.setAttribute('aria-label', this.tableButton.title);
    this.logButton.setAttribute('aria-label', `${title(name)}: logarithmic axis`);
    const legend = tags.map((tag, i) =>
      h('span', { class: `akid-chip akid-chip-${i}`, title: title(tag) }, h('i', { 'aria-hidden': 'true' }), tags.length > 1 ? h('span', {}, i ? 'validation' : 'training') : null, this.chips[i])
    );
    this.node = h(
      'section',
      { class: 'akid-panel', 'aria-label': title(name), 'data-chart': name },
      h('header', {}, h('h4', {}, title(name)), ...legend, this.at, this.logButton, this.tableButton),
      this.canvas,
      this.table.node
    );
    this.canvas.addEventListener('dblclick', () => this.changeZoom(null));
  }

  get hasTable(): boolean {
    return !this.table.node.hidden;
  }

  toggleTable(): void {
    this.table.node.hidden = !this.table.node.hidden;
    this.canvas.hidden = !this.table.node.hidden;
    this.tableButton.setAttribute('aria-pressed', String(!this.table.node.hidden));
    this.tableButton.replaceChildren(icon(this.table.node.hidden ? 'table' : 'chart'));
    this.update();
  }

  toggleLog(): void {
    this.log = !this.log;
    this.logButton.setAttribute('aria-pressed', String(this.log));
    this.dispose();
    this.update();
  }

  /** Draw what the model knows now. */
  update(): void {
    const series = this.tags.map(tag => this.model.series.get(tag));
    this.node.dataset.points = String(series[0]?.length ?? 0);
    this.node.dataset.lastStep = String(series[0]?.length ? series[0].lastStep : 0);
    if (this.hasTable) {
      this.table.update();
    } else if (this.canvas.clientWidth > 0) {
      this.draw();
    }
    this.describe();
  }

  private get smoothing(): number {
    return this.name === 'learning_rate' ? 0 : this.state.smoothing;
  }

  resize(): void {
    if (this.plot && this.canvas.clientWidth > 0) {
      this.plot.setSize({ width: this.canvas.clientWidth, height: this.canvas.clientHeight });
    } else {
      this.update();
    }
  }

  redraw(): void {
    this.plot?.redraw(false, true);
  }

  dispose(): void {
    this.plot?.destroy();
    this.plot = null;
  }

  private draw(): void {
    const data = this.data();
    if (!this.plot) {
      this.plot = new uPlot(this.options(), data, this.canvas);
    } else {
      this.plot.setData(data);
    }
    this.showValues();
  }

  /** x; then for each tag what was recorded, and for training the smoothed curve over it. */
  private data(): uPlot.AlignedData {
    const known = this.tags.map(tag => this.model.series.get(tag) ?? { steps: [], values: [] });
    const smoothed = { steps: known[0].steps, values: smooth(known[0].values, this.smoothing) };
    const [steps, columns] = align([known[0], smoothed, ...known.slice(1)]);
    const drawable = (column: (number | null)[]) => (this.log ? column.map(v => (v !== null && v > 0 ? v : null)) : column);
    return [steps, ...columns.map(drawable)] as uPlot.AlignedData;
  }

  private options(): uPlot.Options {
    const css = (name: string) => getComputedStyle(this.node).getPropertyValue(name).trim();
    const train = () => css(this.name === 'learning_rate' ? '--akid-third' : '--akid-first');
    const faded = () => (this.smoothing > 0 ? css('--akid-first-faint') : 'transparent');
    const axis = (extra: uPlot.Axis): uPlot.Axis => ({
      stroke: () => css('--akid-quiet'),
      font: `11px ${css('--akid-font') || 'system-ui'}`,
      grid: { stroke: () => css('--akid-grid'), width: 1 },
      ticks: { show: false },
      ...extra
    });
    const curve = (stroke: () => string, extra: uPlot.Series = {}): uPlot.Series => ({
      stroke,
      width: 1.6,
      spanGaps: true,
      points: { show: (_u, _i, from, to) => to - from < 1, size: 5, stroke, fill: stroke },
      ...extra
    });
    const seconds = () => css('--akid-second');
    return {
      width: this.canvas.clientWidth,
      height: this.canvas.clientHeight,
      padding: [8, 20, 0, 0],
      legend: { show: false },
      cursor: {
        drag: { x: true, y: false, setScale: false, dist: 6 },
        sync: { key: this.key, setSeries: false, scales: ['x', null] },
        y: false,
        points: { size: 7, width: 0 },
        dataIdx: (u, i, at) => nearest(u.data[i], at) ?? at
      },
      scales: {
        x: { time: false, range: () => this.xRange() },
        y: this.log ? { distr: 3, log: 10 } : { range: (_u, low, high) => this.yRange(low, high) }
      },
      axes: [
        axis({ size: 26, gap: 4, values: (_u, ticks) => ticks.map(tick) }),
        axis({ size: (_u, labels) => room(labels), gap: 4, space: 32, values: (_u, ticks) => ticks.map(at => (at == null ? '' : tick(at))) })
      ],
      series: [
        {},
        curve(faded, { width: 1, points: { show: false } }),
        curve(train, this.name === 'learning_rate' ? { paths: uPlot.paths.stepped!({ align: 1 }) } : {}),
        ...this.tags.slice(1).map(() => curve(seconds, { points: { show: true, size: 5, stroke: seconds, fill: seconds } }))
      ],
      hooks: {
        setCursor: [() => this.showValues()],
        setSelect: [u => this.select(u)],
        drawAxes: [u => this.drawMarks(u, css('--akid-mark'))]
      }
    };
  }

  private select(u: uPlot): void {
    const { left, width } = u.select;
    if (width > 4) {
      u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      this.changeZoom([u.posToVal(left, 'x'), u.posToVal(left + width, 'x')]);
    }
  }

  /** From 0 to the last step to come once a part of it is made, before that in calm leaps. */
  private xRange(): [number, number] {
    if (this.state.zoom) {
      return this.state.zoom;
    }
    const { step, max_steps, live } = this.model.run;
    const seen = Math.max(step, ...this.tags.map(tag => this.model.series.get(tag)?.lastStep ?? 0), 1);
    if (!live) {
      return [0, seen];
    }
    return [0, max_steps && seen > 0.3 * max_steps ? Math.max(seen, max_steps) : leap(seen * 1.05, max_steps)];
  }

  private yRange(low: number | null, high: number | null): [number, number] {
    if (low === null || high === null) {
      return [0, 1];
    }
    if (low >= 0 && high <= 1 && this.name !== 'loss' && this.name !== 'learning_rate') {
      const room = Math.max(0.02, (high - low) * 0.08);
      return [Math.max(0, low - room), Math.min(1 + room / 3, high + room)];
    }
    if (this.name === 'learning_rate') {
      return [0, high > 0 ? high * 1.25 : 1];
    }
    const room = high > low ? (high - low) * (ROOM - 1) : Math.abs(high) * 0.1 || 0.1;
    return [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
  }

  private drawMarks(u: uPlot, color: string): void {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.strokeStyle = color;
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
    for (const event of this.marks()) {
      const x = Math.round(u.valToPos(event.step, 'x', true)) + 0.5;
      if (x >= bbox.left && x <= bbox.left + bbox.width) {
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
      }
    }
    ctx.restore();
  }

  private marks(): IEvent[] {
    return this.model.events.filter(event => MARKED.has(event.kind) && event.step > 0).slice(-100);
  }

  /** The values under the cursor, else the last ones. */
  private showValues(): void {
    if (!this.plot) {
      return;
    }
    const { idx, left } = this.plot.cursor;
    const over = idx != null && left != null && left >= 0;
    const row = over ? idx : this.plot.data[0].length - 1;
    this.tags.forEach((tag, i) => {
      const column = this.plot!.data[i === 0 ? 1 : i + 2] ?? [];
      const near = nearest(column, row);
      const last = this.model.series.get(tag)?.last;
      write(this.chips[i], value(over ? (near === null ? null : column[near]) : last));
    });
    write(this.at, over ? count(this.plot.data[0][row]) : '');
  }

  private describe(): void {
    const parts = this.tags.map(tag => {
      const series = this.model.series.get(tag);
      return series?.length ? `${title(tag)} ${value(series.last)} at step ${series.lastStep}` : `${title(tag)}: nothing yet`;
    });
    this.canvas.setAttribute('aria-label', `Chart. ${parts.join('. ')}.`);
  }
}

/** The width of an axis of values: enough for its longest label. */
function room(labels: string[] | null): number {
  return Math.max(50, 14 + 6.5 * Math.max(0, ...(labels ?? []).map(label => label.length)));
}

/** The next of 1, 2, 5, 10, 20, ... that is at least `needed`, not above `most`. */
function leap(needed: number, most: number | null): number {
  const decade = 10 ** Math.floor(Math.log10(Math.max(needed, 1)));
  const next = [1, 2, 5, 10].map(n => n * decade).find(n => n >= needed)!;
  return most ? Math.min(most, Math.max(next, 10)) : Math.max(next, 10);
}
