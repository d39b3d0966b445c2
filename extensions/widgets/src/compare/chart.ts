// A chart of one scalar, with a line for each run.

import uPlot from 'uplot';
import { count, tick, title, value } from '../format';
import type { DashboardModel } from '../model';
import { align, gather, nearest, type Series } from '../series';
import { h, icon, write } from '../view/dom';
import { Table } from '../view/table';
import type { CompareModel } from './model';

const MANY = 6000; // points in all, from which on lines are drawn as wide as the eye needs
export const COLOURS = 8; // that are told apart; a ninth run is grey

export interface ICompareState {
  hidden: Set<string>;
  focus: string | null;
  zoom: [number, number] | null;
}

export class CompareChart {
  readonly node: HTMLElement;
  private plot: uPlot | null = null;
  private log = false;
  private drawn = '';
  private readonly canvas = h('div', { class: 'akid-canvas', role: 'img' });
  private readonly at = h('span', { class: 'akid-at', title: 'The run under the cursor, its value and step' });
  private readonly logButton: HTMLElement;
  private readonly tableButton: HTMLElement;
  private readonly table: Table;

  constructor(
    private readonly model: CompareModel,
    private readonly state: ICompareState,
    private readonly key: string,
    private readonly tag: string,
    private readonly change: () => void
  ) {
    const named = `${title(tag)} as a table`;
    this.logButton = h('button', { type: 'button', class: 'akid-mini', 'aria-pressed': 'false', title: 'Logarithmic axis', 'aria-label': `${title(tag)}: logarithmic axis`, click: () => this.toggleLog() }, 'log');
    this.tableButton = h('button', { type: 'button', class: 'akid-mini', 'aria-pressed': 'false', title: named, 'aria-label': named, click: () => this.toggleTable() }, icon('table'));
    this.table = new Table(this.tabled, tag, () => this.shown.map(run => run.name), name => name);
    this.node = h('section', { class: 'akid-panel akid-compared', 'aria-label': title(tag), 'data-chart': tag }, h('header', {}, h('h4', {}, title(tag)), this.at, this.logButton, this.tableButton), this.canvas, this.table.node);
    this.canvas.addEventListener('dblclick', () => this.zoom(null));
  }

  update(): void {
    const lengths = this.shown.map(run => this.model.series(run.uid, this.tag).length);
    this.node.dataset.points = String(Math.max(0, ...lengths));
    this.node.dataset.lastStep = String(Math.max(0, ...this.shown.map(run => this.model.series(run.uid, this.tag).lastStep)));
    this.canvas.setAttribute('aria-label', this.describe());
    if (!this.table.node.hidden) {
      this.table.update();
    } else if (this.canvas.clientWidth > 0) {
      this.draw();
    }
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

  /** The runs that have this scalar and are not hidden. */
  private get shown(): CompareModel['runs'] {
    return this.model.runs.filter(run => !this.state.hidden.has(run.uid) && this.model.series(run.uid, this.tag).length);
  }

  /** The runs as the table takes them: a column for each. */
  private get tabled(): DashboardModel {
    const chart = this;
    return {
      get series() {
        return new Map<string, Series>(chart.shown.map(run => [run.name, chart.model.series(run.uid, chart.tag)]));
      },
      run: { name: 'comparison' }
    } as unknown as DashboardModel;
  }

  private toggleLog(): void {
    this.log = !this.log;
    this.logButton.setAttribute('aria-pressed', String(this.log));
    this.dispose();
    this.update();
  }

  private toggleTable(): void {
    const shown = (this.table.node.hidden = !this.table.node.hidden);
    this.canvas.hidden = !shown;
    this.tableButton.setAttribute('aria-pressed', String(!shown));
    this.tableButton.replaceChildren(icon(shown ? 'table' : 'chart'));
    this.update();
  }

  private zoom(steps: [number, number] | null): void {
    this.state.zoom = steps;
    this.change();
  }

  private draw(): void {
    const now = this.shown.map(run => run.uid).join();
    if (now !== this.drawn) {
      this.dispose();
      this.drawn = now;
    }
    const data = this.data();
    if (!this.plot) {
      this.plot = new uPlot(this.options(), data, this.canvas);
    } else {
      this.plot.setData(data);
    }
    const place = this.shown.findIndex(run => run.uid === this.state.focus);
    this.plot.setSeries(place < 0 ? null : place + 1, { focus: true }, false);
    this.showValues();
  }

  private data(): uPlot.AlignedData {
    const all = this.shown.map(run => this.model.series(run.uid, this.tag));
    const points = all.reduce((sum, { steps }) => sum + steps.length, 0);
    const [steps, columns] = points > MANY ? gather(all, ...this.span(), Math.max(100, this.canvas.clientWidth - 60)) : align(all);
    return [steps, ...columns.map(column => (this.log ? column.map(one => (one !== null && one > 0 ? one : null)) : column))] as uPlot.AlignedData;
  }

  private span(): [number, number] {
    return this.state.zoom ?? [0, Math.max(1, ...this.model.runs.map(run => run.step), ...this.shown.map(run => this.model.series(run.uid, this.tag).lastStep))];
  }

  private options(): uPlot.Options {
    const css = (name: string) => getComputedStyle(this.node).getPropertyValue(name).trim();
    const axis = (extra: uPlot.Axis): uPlot.Axis => ({ stroke: () => css('--akid-quiet'), font: `11px ${css('--akid-font') || 'system-ui'}`, grid: { stroke: () => css('--akid-grid'), width: 1 }, ticks: { show: false }, ...extra });
    return {
      width: this.canvas.clientWidth,
      height: this.canvas.clientHeight,
      padding: [8, 20, 0, 0],
      legend: { show: false },
      focus: { alpha: 0.3 },
      cursor: { drag: { x: true, y: false, setScale: false, dist: 6 }, sync: { key: this.key, setSeries: false, scales: ['x', null] }, y: false, points: { size: 7, width: 0 }, dataIdx: (u, i, at) => (i ? nearest(u.data[i], at) ?? at : at) },
      scales: { x: { time: false, range: () => this.span() }, y: this.log ? { distr: 3, log: 10 } : {} },
      axes: [axis({ size: 26, gap: 4, values: (_u, ticks) => ticks.map(tick) }), axis({ size: 56, gap: 4, space: 32, values: (_u, ticks) => ticks.map(at => (at == null ? '' : tick(at))) })],
      series: [{}, ...this.shown.map(run => this.curve(run.uid, css))],
      hooks: { setCursor: [() => this.showValues()], setSelect: [u => this.select(u)] }
    };
  }

  private curve(uid: string, css: (name: string) => string): uPlot.Series {
    const place = this.model.runs.findIndex(run => run.uid === uid);
    const stroke = () => css(place < COLOURS ? `--akid-line-${place}` : '--akid-line-grey');
    const held = this.tag === 'learning_rate' ? { paths: uPlot.paths.stepped!({ align: 1 }) } : {};
    return { ...held, stroke, width: 1.6, spanGaps: true, points: { show: (_u, _i, from, to) => to - from < 40 && this.model.series(uid, this.tag).length < 40, size: 5, stroke, fill: stroke } };
  }

  private select(u: uPlot): void {
    const { left, width } = u.select;
    if (width > 4) {
      u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      this.zoom([u.posToVal(left, 'x'), u.posToVal(left + width, 'x')]);
    }
  }

  /** The value of the line nearest to the cursor. */
  private showValues(): void {
    const { idx, left, top } = this.plot!.cursor;
    if (idx == null || left == null || left < 0) {
      write(this.at, '');
      return;
    }
    const { plot } = this;
    const found = this.shown.flatMap((run, i) => {
      const row = nearest(plot!.data[i + 1], idx);
      return row === null ? [] : [{ name: run.name, value: plot!.data[i + 1][row]!, step: plot!.data[0][row] }];
    });
    const far = (one: { value: number }) => Math.abs(plot!.valToPos(one.value, 'y') - (top ?? 0));
    const [close] = found.sort((one, other) => far(one) - far(other));
    write(this.at, close ? `${close.name} ${value(close.value)} · ${count(Math.round(close.step))}` : '');
  }

  private describe(): string {
    const told = this.shown.slice(0, COLOURS).map(run => `${run.name} ${value(this.model.series(run.uid, this.tag).last)}`);
    return `Chart of ${title(this.tag)}: ${told.join(', ') || 'nothing yet'}.`;
  }
}
