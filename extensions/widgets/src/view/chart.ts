// The chart of a quantity of its own: its curve in training, smoothed, and that in validation.

import uPlot from 'uplot';
import { count, title, value } from '../format';
import type { DashboardModel } from '../model';
import { align, nearest, smooth } from '../series';
import { h, write } from './dom';
import { Panel, type IChartHost } from './panel';

export class Chart extends Panel {
  protected readonly tags: string[];
  private readonly chips: HTMLElement[];

  constructor(model: DashboardModel, host: IChartHost, name: string) {
    const tags = name === 'learning_rate' ? [name] : [name, `validation_${name}`];
    const chips = tags.map(() => h('b', { class: 'akid-value' }, '–'));
    const legend = tags.map((tag, i) =>
      h('span', { class: `akid-chip akid-chip-${i}`, title: title(tag) }, h('i', { 'aria-hidden': 'true' }), tags.length > 1 ? h('span', {}, i ? 'validation' : 'training') : null, chips[i])
    );
    super(model, host, { name, legend, heading: title });
    this.tags = tags;
    this.chips = chips;
  }

  private get smoothing(): number {
    return this.name === 'learning_rate' ? 0 : this.host.state.smoothing;
  }

  protected override get cursor(): uPlot.Cursor {
    return { dataIdx: (u, i, at) => nearest(u.data[i], at) ?? at };
  }

  /** For training what was recorded, and the smoothed curve over it; for validation what was recorded. */
  protected data(): uPlot.AlignedData {
    const known = this.tags.map(tag => this.model.series.get(tag) ?? { steps: [], values: [] });
    const smoothed = { steps: known[0].steps, values: smooth(known[0].values, this.smoothing) };
    const [steps, columns] = align([known[0], smoothed, ...known.slice(1)]);
    return [steps, ...columns.map(column => this.drawable(column))] as uPlot.AlignedData;
  }

  protected curves(css: (name: string) => string): uPlot.Series[] {
    const train = () => css(this.name === 'learning_rate' ? '--akid-third' : '--akid-first');
    const faded = () => (this.smoothing > 0 ? css('--akid-first-faint') : 'transparent');
    const seconds = () => css('--akid-second');
    return [
      this.curve(faded, { width: 1, points: { show: false } }),
      this.curve(train, this.name === 'learning_rate' ? { paths: uPlot.paths.stepped!({ align: 1 }) } : {}),
      ...this.tags.slice(1).map(() => this.curve(seconds, { points: { show: true, size: 5, stroke: seconds, fill: seconds } }))
    ];
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
    this.tags.forEach((tag, i) => {
      const column = this.plot!.data[i === 0 ? 1 : i + 2] ?? [];
      const near = nearest(column, row);
      const last = this.model.series.get(tag)?.last;
      write(this.chips[i], value(over ? (near === null ? null : column[near]) : last));
    });
    write(this.at, over ? count(this.plot.data[0][row]) : '');
  }

  protected describe(): string {
    const parts = this.tags.map(tag => {
      const series = this.model.series.get(tag);
      return series?.length ? `${title(tag)} ${value(series.last)} at step ${series.lastStep}` : `${title(tag)}: nothing yet`;
    });
    return `Chart. ${parts.join('. ')}.`;
  }
}
