// The chart of a quantity of its own: its curve in training, smoothed, and that in validation; other runs over them.

import uPlot from 'uplot';
import { besideCursor, count, title, value } from '../format';
import type { DashboardModel } from '../model';
import type { Other } from '../others';
import { align, lead, nearest, smooth, type IPoints } from '../series';
import { h, write } from './dom';
import { Panel, type IChartHost } from './panel';

const FAINT = 0.45; // of what led here

export class Chart extends Panel {
  readonly tags: string[];
  private readonly chips: HTMLElement[];
  private readonly pinText = h('span', { class: 'akid-pinned', 'aria-hidden': 'true' });
  private readonly legend = h('div', { class: 'akid-legend akid-others', 'aria-hidden': 'true' });
  private readonly held = h('div', { class: 'akid-held' });
  private readonly off = new Set<number>(); // of the tags, those that are not drawn
  private drawn: Other[] = [];
  private isLed = false; // by the run that it is a branch of

  constructor(model: DashboardModel, host: IChartHost, name: string) {
    const tags = name === 'learning_rate' ? [name] : [name, `validation_${name}`];
    const chips = tags.map(() => h('b', { class: 'akid-value' }, '–'));
    const legend = tags.map((tag, i) => {
      const inside = [h('i', { 'aria-hidden': 'true' }), tags.length > 1 ? h('span', {}, i ? 'validation' : 'training') : null, chips[i]];
      return tags.length > 1
        ? h('button', { type: 'button', class: `akid-chip akid-chip-${i}`, title: `${title(tag)}: click to hide or show it`, 'aria-pressed': 'true', click: () => this.toggle(i) }, ...inside)
        : h('span', { class: `akid-chip akid-chip-${i}`, title: title(tag) }, ...inside);
    });
    const below = h('div', { class: 'akid-below' });
    super(model, host, { name, legend, below, heading: title });
    this.tags = tags;
    this.chips = chips;
    below.append(this.pinText, this.held, this.legend);
  }

  /** Have it below the values that are pinned. */
  hold(node: HTMLElement): void {
    if (node.parentNode !== this.held) {
      this.held.append(node);
    }
  }

  private get smoothing(): number {
    return this.name === 'learning_rate' ? 0 : this.host.state.smoothing;
  }

  /** Draw a curve no more, or again. */
  private toggle(curve: number): void {
    if (!this.off.delete(curve)) {
      this.off.add(curve);
    }
    this.chips[curve].parentElement!.setAttribute('aria-pressed', String(!this.off.has(curve)));
    this.dispose();
    this.update();
  }

  override update(): void {
    const others = this.model.others.all;
    if (others.length !== this.drawn.length || others.some((other, i) => other !== this.drawn[i])) {
      this.drawn = others;
      this.dispose();
      this.legend.replaceChildren(...others.map(other => h('span', { class: 'akid-chip', 'data-colour': other.colour }, h('i', {}), h('span', {}), h('b', { class: 'akid-value' }))));
    }
    const isLed = this.model.ancestry.parent !== null;
    if (isLed !== this.isLed) {
      this.isLed = isLed;
      this.dispose();
    }
    super.update();
  }

  protected override get cursor(): uPlot.Cursor {
    return { dataIdx: (u, i, at) => (i ? nearest(u.data[i], at) ?? at : at) };
  }

  /** For training what was recorded, and the smoothed curve over it; for validation what was recorded; then the other runs, and what led here. */
  protected data(): uPlot.AlignedData {
    const own = this.tags.map((tag, i) => ({ steps: this.place(this.stepsOf(tag)), values: this.off.has(i) ? [] : this.model.series.get(tag)?.values ?? [] }));
    const smoothed = { steps: own[0].steps, values: smooth(own[0].values, this.smoothing) };
    const others = this.drawn.flatMap(other =>
      this.tags.map((tag, i) => {
        const { steps, values } = other.series.get(tag) ?? { steps: [], values: [] };
        const shown = this.off.has(i) ? [] : i ? values : smooth(values, this.smoothing);
        return { steps: this.place(steps, other.times), values: shown };
      })
    );
    const led = this.isLed ? this.tags.map((tag, i) => this.leading(tag, i, i ? own[i] : smoothed)) : [];
    const [steps, columns] = align([own[0], smoothed, ...own.slice(1), ...others, ...led]);
    return [steps, ...columns.map(column => this.drawable(column))] as uPlot.AlignedData;
  }

  /** The curve that led to `after`; by time there is none, for that begins with the run. */
  private leading(tag: string, i: number, after: IPoints): IPoints {
    const before = this.model.ancestry.series.get(tag);
    if (!before || this.off.has(i) || this.axis === 'time') {
      return { steps: [], values: [] };
    }
    return lead({ steps: before.steps, values: i ? before.values : smooth(before.values, this.smoothing) }, after);
  }

  private stepsOf(tag: string): number[] {
    return this.model.series.get(tag)?.steps ?? [];
  }

  protected curves(css: (name: string) => string): uPlot.Series[] {
    const train = () => css(this.name === 'learning_rate' ? '--akid-third' : '--akid-first');
    const faded = () => (this.smoothing > 0 ? css('--akid-first-faint') : 'transparent');
    const seconds = () => css('--akid-second');
    const stepped = this.name === 'learning_rate' ? { paths: uPlot.paths.stepped!({ align: 1 }) } : {};
    return [
      this.curve(faded, { width: 1, points: { show: false } }),
      this.curve(train, { ...stepped, ...(this.drawn.length ? { width: 2.4 } : {}) }),
      ...this.tags.slice(1).map(() => this.curve(seconds, { points: { show: true, size: 5, stroke: seconds, fill: seconds } })),
      ...this.drawn.flatMap(({ colour }) => this.tags.map((_, i) => this.curve(() => css(`--akid-line-${colour}`), { ...(i ? {} : stepped), width: 1.2, ...(i ? { dash: [4, 3] } : {}) }))),
      ...(this.isLed ? this.tags.map((_, i) => this.curve(i ? seconds : train, { ...(i ? {} : stepped), alpha: FAINT })) : [])
    ];
  }

  protected override farthest(): number {
    const ends = this.drawn.flatMap(other => this.tags.map(tag => other.series.get(tag)?.lastStep ?? 0).map(step => (this.axis === 'time' ? other.times.at(Math.max(0, step)) : step)));
    return Math.max(0, ...ends);
  }

  protected override yRange(low: number | null, high: number | null): [number, number] {
    if (this.name === 'learning_rate' && high !== null) {
      return [0, high > 0 ? high * 1.25 : 1];
    }
    if (low !== null && high !== null && low >= 0 && high <= 1 && this.name !== 'loss') {
      const room = Math.max(0.02, (high - low) * 0.08);
      return [Math.max(0, low - room), Math.min(1 + room / 3, high + room)];
    }
    return super.yRange(low, high);
  }

  protected showValues(): void {
    if (!this.plot) {
      return;
    }
    const { idx, left } = this.plot.cursor;
    const over = idx != null && left != null && left >= 0;
    const row = over ? idx : this.plot.data[0].length - 1;
    const now = this.tags.map((tag, i) => (over ? this.recorded(i, row) : this.model.series.get(tag)?.last));
    now.forEach((read, i) => write(this.chips[i], value(read)));
    write(this.at, over ? this.read(this.plot.data[0][row]) : '');
    this.showPinned(row, over);
    this.showOthers(row);
  }

  /** The column of the plot that holds what was recorded of a tag. */
  private column(i: number): number {
    return i === 0 ? 1 : i + 2;
  }

  /** What was recorded of a tag nearest to a row: before the run began, in those that led to it. */
  private recorded(i: number, row: number): number | null {
    const before = this.axis === 'step' ? this.model.ancestry.series.get(this.tags[i]) : undefined;
    const at = this.plot!.data[0][row];
    const isBefore = before?.length && at < (this.model.series.get(this.tags[i])?.steps[0] ?? Infinity);
    return isBefore ? before.at(at) ?? null : this.near(this.column(i), row);
  }

  private near(column: number, row: number): number | null {
    const values = this.plot!.data[column] ?? [];
    const at = nearest(values, row);
    return at === null ? null : (values[at] as number);
  }

  /** The values at the step that is pinned, and how far from them those under the cursor are. */
  private showPinned(row: number, over: boolean): void {
    const { pin } = this.host.state;
    const pinned = this.pinned;
    if (pin === null || pinned === null) {
      write(this.pinText, '');
      return;
    }
    const parts = this.tags.flatMap((_, i) => {
      const then = this.recorded(i, pinned);
      const cursor = over ? this.recorded(i, row) : null;
      const name = this.tags.length > 1 ? (i ? 'validation ' : 'training ') : '';
      return then === null ? [] : [`${name}${besideCursor(then, cursor)}`];
    });
    write(this.pinText, `Pinned ${count(pin)}: ${parts.join(' · ') || 'nothing there'}`);
  }

  private showOthers(row: number): void {
    const first = 2 + this.tags.length;
    this.drawn.forEach((other, i) => {
      const [, name, read] = [...this.legend.children[i].children] as HTMLElement[];
      write(name, other.error ? `${other.name}: ${other.error}` : other.name);
      write(read, value(this.near(first + i * this.tags.length, row)));
    });
  }

  protected describe(): string {
    const parts = this.tags.map(tag => {
      const series = this.model.series.get(tag);
      return series?.length ? `${title(tag)} ${value(series.last)} at step ${series.lastStep}` : `${title(tag)}: nothing yet`;
    });
    const others = this.drawn.map(other => `${other.name} ${value(other.series.get(this.name)?.last)} at step ${other.step}`);
    const pinned = this.pinText.textContent ? [this.pinText.textContent] : [];
    const { parent, series } = this.model.ancestry;
    const led = parent && this.tags.some(tag => series.has(tag)) ? [`Branch of ${parent.name} at step ${parent.until}`] : [];
    return `Chart. ${[...parts, ...led, ...others, ...pinned].join('. ')}.`;
  }
}
