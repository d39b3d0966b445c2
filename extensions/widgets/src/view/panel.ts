// What every chart has: a head with a log axis and a table, a canvas drawn by uPlot, a zoom, marks of what was done.

import uPlot from 'uplot';
import { count, moment, sentence, tick, title, warns } from '../format';
import type { DashboardModel } from '../model';
import type { IEvent } from '../tokens';
import { h, icon, write } from './dom';
import { Table } from './table';

export interface IChartState {
  /** 0 to 1: how much the curves of training are smoothed. */
  smoothing: number;
  /** The steps that were zoomed in to, null for all. */
  zoom: [number, number] | null;
  /** Which lines of the groups are shown; all if it is empty. */
  filter: string;
  /** The line that is pointed at, in every group. */
  focus: string | null;
  /** What lies on the horizontal axis: steps, or the seconds since the run began. */
  axis: 'step' | 'time';
  /** The step whose values are read beside those under the cursor. */
  pin: number | null;
  /** The chart in which it was pinned. */
  pinnedIn?: string;
}

/** What a chart asks of the dashboard that holds it. */
export interface IChartHost {
  /** Charts of one key share their cursor. */
  readonly key: string;
  readonly state: IChartState;
  change(state: Partial<IChartState>): void;
}

export interface IPanelParts {
  name: string;
  /** In the head, after the title. */
  legend: HTMLElement[];
  /** Below the canvas. */
  below?: HTMLElement;
  /** What stands above the column of a tag in the table. */
  heading: (tag: string) => string;
}

const MARKED = new Set(['rate', 'pause', 'early_stop', 'stop', 'guard', 'rank_lost', 'ranks_joined', 'ranks_left', 'rank_lags', 'rank_drifts', 'moved', 'warning', 'note', 'checkpoint', 'branched']);
const ROOM = 1.08;
const NEAR = 5; // pixels from which a mark tells what it stands for
const SECONDS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800];

export abstract class Panel {
  readonly node: HTMLElement;
  readonly name: string;
  protected log = false;
  protected plot: uPlot | null = null;
  protected readonly canvas = h('div', { class: 'akid-canvas', role: 'img', tabindex: 0, keydown: (event: KeyboardEvent) => this.onKey(event), blur: () => this.moveTo(-10) });
  private readonly word = h('div', { class: 'akid-markword', hidden: true });
  protected readonly at = h('span', { class: 'akid-at', title: 'Step under the cursor' });
  private readonly logButton = h('button', { type: 'button', class: 'akid-mini', 'aria-pressed': 'false', title: 'Logarithmic axis', click: () => this.toggleLog() }, 'log');
  private readonly tableButton = h('button', { type: 'button', class: 'akid-mini', 'aria-pressed': 'false', click: () => this.toggleTable() }, icon('table'));
  private readonly largeButton = h('button', { type: 'button', class: 'akid-mini', 'aria-pressed': 'false', click: () => this.toggleLarge() }, icon('large'));
  private readonly below: HTMLElement | null;
  protected axis: IChartState['axis'] = 'step';
  private pressed = 0;
  private readonly table: Table;

  constructor(
    protected readonly model: DashboardModel,
    protected readonly host: IChartHost,
    { name, legend, below, heading }: IPanelParts
  ) {
    this.name = name;
    this.below = below ?? null;
    this.table = new Table(model, name, () => this.tags, heading);
    this.tableButton.title = `${title(name)} as a table`;
    this.tableButton.setAttribute('aria-label', this.tableButton.title);
    this.largeButton.title = `${title(name)}: large, or as the others`;
    this.largeButton.setAttribute('aria-label', `${title(name)}: large`);
    this.logButton.setAttribute('aria-label', `${title(name)}: logarithmic axis`);
    this.node = h(
      'section',
      { class: 'akid-panel', 'aria-label': title(name), 'data-chart': name },
      h('header', {}, h('h4', { title: title(name) }, title(name)), ...legend, this.at, this.logButton, this.tableButton, this.largeButton),
      this.canvas,
      this.table.node,
      this.below
    );
    this.canvas.addEventListener('dblclick', () => host.change({ zoom: null }));
    this.canvas.append(this.word);
  }

  /** The tags that are shown now. */
  protected abstract get tags(): string[];
  /** The steps, and a column of values for each of `curves`. */
  protected abstract data(): uPlot.AlignedData;
  protected abstract curves(css: (name: string) => string): uPlot.Series[];
  /** Write the values under the cursor, else the last ones. */
  protected abstract showValues(): void;
  protected abstract describe(): string;

  protected get cursor(): uPlot.Cursor {
    return {};
  }

  get hasTable(): boolean {
    return !this.table.node.hidden;
  }

  toggleTable(): void {
    const shown = (this.table.node.hidden = !this.table.node.hidden);
    this.canvas.hidden = !shown;
    if (this.below) {
      this.below.hidden = !shown;
    }
    this.tableButton.setAttribute('aria-pressed', String(!shown));
    this.tableButton.replaceChildren(icon(shown ? 'table' : 'chart'));
    this.update();
  }

  get isLarge(): boolean {
    return this.node.classList.contains('akid-large');
  }

  /** As wide as the page, and twice as high; or as the others. */
  toggleLarge(): void {
    this.node.classList.toggle('akid-large');
    this.largeButton.setAttribute('aria-pressed', String(this.isLarge));
    this.resize();
  }

  private toggleLog(): void {
    this.setLog(!this.log);
    this.update();
  }

  protected setLog(log: boolean): void {
    this.log = log;
    this.logButton.setAttribute('aria-pressed', String(log));
    this.dispose();
  }

  /** Draw what the model knows now. */
  update(): void {
    const known = this.tags.map(tag => this.model.series.get(tag));
    this.node.dataset.points = String(Math.max(0, ...known.map(series => series?.length ?? 0)));
    this.node.dataset.lastStep = String(Math.max(0, ...known.map(series => series?.lastStep ?? 0)));
    if (this.hasTable) {
      this.table.update();
    } else if (this.canvas.clientWidth > 0) {
      this.draw();
    }
    this.canvas.setAttribute('aria-label', this.describe());
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

  protected draw(): void {
    const axis = this.model.times.isEmpty ? 'step' : this.host.state.axis; // until it is known when steps were made
    if (this.axis !== axis) {
      this.axis = this.node.dataset.axis = axis;
      this.dispose();
    }
    const data = this.data();
    if (!this.plot) {
      this.plot = new uPlot(this.options(), data, this.canvas);
      this.plot.over.addEventListener('mousedown', event => (this.pressed = event.clientX));
      this.plot.over.addEventListener('click', event => this.onClick(event));
    } else {
      this.plot.setData(data);
    }
    this.showValues();
  }

  /** Where steps, which ascend, lie on the horizontal axis. */
  protected place(steps: ArrayLike<number>, times = this.model.times): ArrayLike<number> {
    return this.axis === 'time' ? times.map(steps) : steps;
  }

  private placeOf(step: number): number {
    return this.axis === 'time' ? this.model.times.at(step) : step;
  }

  private stepAt(place: number): number {
    return this.axis === 'time' ? this.model.times.step(place) : place;
  }

  /** How a place on the horizontal axis reads. */
  protected read(place: number): string {
    return this.axis === 'time' ? moment(place, this.xRange()[1] / 20) : count(Math.round(place));
  }

  /** The row of the step that is pinned; null if none is. */
  protected get pinned(): number | null {
    const { pin } = this.host.state;
    if (pin === null || !this.plot?.data[0].length) {
      return null;
    }
    return this.plot.valToIdx(this.placeOf(pin));
  }

  /** A click pins the step under the cursor, and on the pinned one lets it go. */
  private onClick(event: MouseEvent): void {
    if (Math.abs(event.clientX - this.pressed) < 4) {
      this.pin();
    }
  }

  private pin(): void {
    const idx = this.plot?.cursor.idx;
    if (this.plot && idx != null) {
      this.host.change({ pin: idx === this.pinned ? null : Math.round(this.stepAt(this.plot.data[0][idx])), pinnedIn: this.name });
    }
  }

  /** The cursor goes from row to row by arrow keys, and Enter pins. */
  private onKey(event: KeyboardEvent): void {
    const { plot } = this;
    const rows = plot?.data[0].length ?? 0;
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -rows, PageDown: rows, Home: -Infinity, End: Infinity }[event.key];
    if (plot && by !== undefined && rows) {
      const leap = Math.abs(by) === rows ? Math.sign(by) * Math.ceil(rows / 10) : by;
      const at = Math.max(0, Math.min(rows - 1, (plot.cursor.idx ?? rows) + leap));
      this.moveTo(plot.valToPos(plot.data[0][at], 'x'));
      event.preventDefault();
    } else if (event.key === 'Enter') {
      this.pin();
      event.preventDefault();
    }
  }

  /** Put the cursor there, in the other charts, too; away if it is below zero. */
  private moveTo(left: number): void {
    const move = this.plot?.setCursor as ((at: { left: number; top: number }, fire: boolean, publish: boolean) => void) | undefined;
    move?.({ left, top: left < 0 ? -10 : this.plot!.over.clientHeight / 2 }, true, true);
  }

  /** A logarithmic axis shows only what is above zero. */
  protected drawable(column: (number | null)[]): (number | null)[] {
    return this.log ? column.map(value => (value !== null && value > 0 ? value : null)) : column;
  }

  protected curve(stroke: uPlot.Series.Stroke, extra: uPlot.Series = {}): uPlot.Series {
    return {
      stroke,
      width: 1.6,
      spanGaps: true,
      points: { show: (_u, _i, from, to) => to - from < 1, size: 5, stroke, fill: stroke },
      ...extra
    };
  }

  private options(): uPlot.Options {
    const css = (name: string) => getComputedStyle(this.node).getPropertyValue(name).trim();
    const axis = (extra: uPlot.Axis): uPlot.Axis => ({
      stroke: () => css('--akid-quiet'),
      font: `11px ${css('--akid-font') || 'system-ui'}`,
      grid: { stroke: () => css('--akid-grid'), width: 1 },
      ticks: { show: false },
      ...extra
    });
    return {
      width: this.canvas.clientWidth,
      height: this.canvas.clientHeight,
      padding: [8, 20, 0, 0],
      legend: { show: false },
      focus: { alpha: 0.35 },
      cursor: {
        drag: { x: true, y: false, setScale: false, dist: 6 },
        sync: { key: this.host.key, setSeries: false, scales: ['x', null] },
        y: false,
        points: { size: 7, width: 0 },
        ...this.cursor
      },
      scales: {
        x: { time: false, range: () => this.xRange() },
        y: this.log ? { distr: 3, log: 10 } : { range: (_u, low, high) => this.yRange(low, high) }
      },
      axes: [
        axis({ size: 26, gap: 4, ...(this.axis === 'time' ? { incrs: SECONDS, values: (_u, ticks, _axis, _space, apart) => ticks.map(at => moment(at, apart)) } : { values: (_u, ticks) => ticks.map(tick) }) }),
        axis({ grid: { stroke: () => css('--akid-grid'), width: 1, filter: (_u, splits) => (this.log ? decades(splits) : splits) }, size: (_u, labels) => room(labels), gap: 4, space: 32, values: (_u, ticks) => ticks.map(at => (at == null ? '' : tick(at))) })
      ],
      series: [{}, ...this.curves(css)],
      hooks: {
        setCursor: [() => this.showCursor()],
        setSeries: [(_u, index) => this.point(index)],
        setSelect: [u => this.select(u)],
        drawAxes: [u => this.drawMarks(u, css)],
        draw: [u => this.drawPin(u, css('--akid-ink'))]
      }
    };
  }

  /** The cursor came near the curve `index`, or left it (null). */
  protected point(_index: number | null): void {}

  private select(u: uPlot): void {
    const { left, width } = u.select;
    if (width > 4) {
      u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      const [from, to] = [left, left + width].map(at => this.stepAt(u.posToVal(at, 'x')));
      this.host.change({ zoom: [from, Math.max(to, from + 1)] });
    }
  }

  /** From 0 to the last step to come once a part of it is made, before that in calm leaps. */
  protected xRange(): [number, number] {
    if (this.host.state.zoom) {
      const [from, to] = this.host.state.zoom;
      return [this.placeOf(from), this.placeOf(to)];
    }
    const { step, max_steps, live } = this.model.run;
    const seen = Math.max(step, ...this.tags.map(tag => this.model.series.get(tag)?.lastStep ?? 0), 1);
    if (this.axis === 'time') {
      return [0, Math.max(this.placeOf(seen) * (live ? 1.1 : 1), this.farthest()) || 1];
    }
    if (!live) {
      return [0, Math.max(seen, this.farthest())];
    }
    const most = max_steps && seen > 0.3 * max_steps ? Math.max(seen, max_steps) : leap(seen * 1.05, max_steps);
    return [0, Math.max(most, this.farthest())];
  }

  /** Where the curves of other runs end. */
  protected farthest(): number {
    return 0;
  }

  protected yRange(low: number | null, high: number | null): [number, number] {
    if (low === null || high === null) {
      return [0, 1];
    }
    const room = high > low ? (high - low) * (ROOM - 1) : Math.abs(high) * 0.1 || 0.1;
    return [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
  }

  private drawMarks(u: uPlot, css: (name: string) => string): void {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.lineWidth = devicePixelRatio;
    for (const event of this.marks()) {
      const x = Math.round(u.valToPos(this.placeOf(event.step), 'x', true)) + 0.5;
      if (x >= bbox.left && x <= bbox.left + bbox.width + 1) {
        const tone = toneOf(event);
        ctx.strokeStyle = ctx.fillStyle = css(tone ?? '--akid-mark');
        ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
        line(ctx, x, bbox.top, bbox.height);
        if (tone) {
          flag(ctx, x, bbox.top, 4 * devicePixelRatio);
        }
      }
    }
    ctx.restore();
  }

  private drawPin(u: uPlot, color: string): void {
    const { pin } = this.host.state;
    const { ctx, bbox } = u;
    const x = pin === null ? NaN : Math.round(u.valToPos(this.placeOf(pin), 'x', true)) + 0.5;
    if (x >= bbox.left && x <= bbox.left + bbox.width + 1) {
      ctx.save();
      ctx.lineWidth = devicePixelRatio;
      ctx.strokeStyle = color;
      ctx.setLineDash([]);
      line(ctx, x, bbox.top, bbox.height);
      ctx.restore();
    }
  }

  private showCursor(): void {
    this.showValues();
    this.showMark();
  }

  /** What the mark under the cursor stands for, in the chart that is pointed at. */
  private showMark(): void {
    const { plot } = this;
    const left = plot?.cursor.left ?? -1;
    const near = plot && left >= 0 && this.canvas.matches(':hover') ? this.marks().filter(event => Math.abs(plot.valToPos(this.placeOf(event.step), 'x') - left) < NEAR) : [];
    const said = near.map(event => sentence(event)).filter(Boolean).slice(-3);
    this.word.hidden = !said.length;
    if (said.length) {
      write(this.word, said.join('\n'));
      this.word.style[left > plot!.over.clientWidth / 2 ? 'right' : 'left'] = '8px';
      this.word.style[left > plot!.over.clientWidth / 2 ? 'left' : 'right'] = 'auto';
    }
  }

  private marks(): IEvent[] {
    return this.model.events.filter(event => MARKED.has(event.kind) && event.step > 0).slice(-100);
  }
}

/** The colour of a mark that is to be seen; null for a quiet one. */
function toneOf(event: IEvent): string | null {
  return event.kind === 'guard' ? '--akid-bad' : warns(event) ? '--akid-warn' : event.kind === 'note' || event.kind === 'branched' ? '--akid-first' : null;
}

function line(ctx: CanvasRenderingContext2D, x: number, top: number, height: number): void {
  ctx.beginPath();
  ctx.moveTo(x, top);
  ctx.lineTo(x, top + height);
  ctx.stroke();
}

function flag(ctx: CanvasRenderingContext2D, x: number, top: number, size: number): void {
  ctx.beginPath();
  ctx.moveTo(x - size, top);
  ctx.lineTo(x + size, top);
  ctx.lineTo(x, top + 1.5 * size);
  ctx.fill();
}

/** The width of an axis of values: enough for its longest label. */
function room(labels: string[] | null): number {
  return Math.max(50, 14 + 6.5 * Math.max(0, ...(labels ?? []).map(label => label.length)));
}

/** Of a logarithmic axis only the powers of ten, where there are several of them. */
function decades(splits: (number | null)[]): (number | null)[] {
  const whole = splits.map(at => (at && Number.isInteger(Math.round(Math.log10(at) * 1e6) / 1e6) ? at : null));
  return whole.filter(at => at !== null).length > 2 ? whole : splits;
}

/** The next of 1, 2, 5, 10, 20, ... that is at least `needed`, not above `most`. */
function leap(needed: number, most: number | null): number {
  const decade = 10 ** Math.floor(Math.log10(Math.max(needed, 1)));
  const next = [1, 2, 5, 10].map(n => n * decade).find(n => n >= needed)!;
  return most ? Math.min(most, Math.max(next, 10)) : Math.max(next, 10);
}
