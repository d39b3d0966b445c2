// The chart of a topic: a line for each key, eight of them in colours, the others grey until they are pointed at.

import type uPlot from 'uplot';
import { difference, title, value } from '../format';
import { choose, colours, GREY, shorten } from '../groups';
import type { DashboardModel } from '../model';
import { align, gather, nearest, type Series } from '../series';
import { h, write } from './dom';
import { Panel, type IChartHost } from './panel';

const MANY = 6000; // points in all, from which on lines are drawn as wide as the eye needs
const WIDE = 50; // the last values are so many times apart that a logarithmic axis tells more
const NEAR = 24; // pixels from which a line is pointed at

export class Group extends Panel {
  private keys: string[] = [];
  private known: string[] = [];
  private shown: string[] = [];
  /** The keys as they are drawn: the grey ones first, so that they lie below. */
  private order: string[] = [];
  private colours = new Map<string, number>();
  private names = new Map<string, string>();
  private drawn = '';
  private scaled = false;
  /** True while the cursor itself is here, not only in a chart beside. */
  private pointed = false;
  private readonly chips: HTMLElement;

  constructor(
    model: DashboardModel,
    host: IChartHost,
    private readonly topic: string
  ) {
    const chips = h('div', { class: 'akid-legend', 'aria-hidden': 'true' });
    super(model, host, { name: topic, legend: [], below: chips, heading: tag => this.names.get(tag.slice(topic.length + 1)) ?? tag });
    this.chips = chips;
    this.node.classList.add('akid-group');
    this.at.title = 'The line under the cursor, its value and step';
    this.canvas.addEventListener('mouseenter', () => (this.pointed = true));
    this.canvas.addEventListener('mouseleave', () => this.leave());
  }

  /** Which lines there are; `known` are those of all groups. */
  hold(keys: string[], known: string[]): void {
    this.keys = keys;
    this.known = known;
  }

  protected get tags(): string[] {
    return this.shown.map(key => this.tag(key));
  }

  /** How many lines the filter lets through. */
  get count(): number {
    return this.shown.length;
  }

  private tag(key: string): string {
    return `${this.topic}/${key}`;
  }

  private series(key: string): Series | undefined {
    return this.model.series.get(this.tag(key));
  }

  override update(): void {
    this.choose();
    this.node.hidden = !this.shown.length;
    super.update();
  }

  /** Take what the filter lets through; other lines make another plot. */
  private choose(): void {
    this.shown = choose(this.keys, this.host.state.filter, this.known);
    this.colours = colours(this.shown, this.known);
    const state = JSON.stringify([...this.colours]);
    if (state === this.drawn) {
      return;
    }
    this.drawn = state;
    this.order = [...this.shown].sort((a, b) => this.colours.get(a)! - this.colours.get(b)!);
    this.names = this.named(this.shown);
    this.dispose();
    this.drawLegend();
  }

  /** How the keys read: what tells them apart. */
  protected named(keys: string[]): Map<string, string> {
    return shorten(keys);
  }

  private drawLegend(): void {
    const told = this.shown.filter(key => this.colours.get(key) !== GREY);
    const rest = this.shown.length - told.length;
    const more = rest ? h('span', { class: 'akid-chip', title: 'Point at a grey line to see its name, or filter' }, h('i', {}), `${rest} more`) : null;
    this.chips.replaceChildren(...told.map(key => this.chip(key)), ...(more ? [more] : []));
  }

  private chip(key: string): HTMLElement {
    const { host } = this;
    return h(
      'span',
      {
        class: 'akid-chip', 'data-colour': this.colours.get(key)!, 'data-key': key, title: `${key}: click to show only this line, or all again`,
        mouseenter: () => host.change({ focus: key }),
        mouseleave: () => host.change({ focus: null }),
        click: () => host.change({ filter: host.state.filter === key ? '' : key, focus: null })
      },
      h('i', {}),
      h('span', {}, this.names.get(key)!)
    );
  }

  protected override get cursor(): uPlot.Cursor {
    return { focus: { prox: NEAR }, points: { one: true, size: 7, width: 0 }, dataIdx: (u, i, at) => (i ? nearest(u.data[i], at) ?? at : at) };
  }

  protected override draw(): void {
    this.scale();
    super.draw();
    this.focus();
  }

  /** Once it is known how far apart the lines lie, choose the axis; after that it is the user's. */
  protected scale(): void {
    const lasts = this.keys.map(key => this.series(key)?.last).filter(last => last !== undefined && Number.isFinite(last)) as number[];
    if (!this.scaled && lasts.length) {
      this.scaled = true;
      if (Math.min(...lasts) > 0 && Math.max(...lasts) / Math.min(...lasts) >= WIDE) {
        this.setLog(true);
      }
    }
  }

  protected data(): uPlot.AlignedData {
    const known = this.order.map(key => this.series(key) ?? { steps: [], values: [] });
    const all = known.map(({ steps, values }) => ({ steps: this.place(steps), values }));
    const points = all.reduce((sum, { steps }) => sum + steps.length, 0);
    const [steps, columns] = points > MANY ? gather(all, ...this.xRange(), Math.max(100, this.canvas.clientWidth - 60)) : align(all);
    return [steps, ...columns.map(column => this.drawable(column))] as uPlot.AlignedData;
  }

  protected curves(css: (name: string) => string): uPlot.Series[] {
    return this.order.map(key => {
      const place = this.colours.get(key)!;
      const stroke = () => css(place !== GREY ? `--akid-line-${place}` : this.host.state.focus === key ? '--akid-ink' : '--akid-line-grey');
      return this.curve(stroke, { width: place === GREY ? 1 : 1.5 });
    });
  }

  protected override point(index: number | null): void {
    const key = index ? this.order[index - 1] : null;
    if (this.pointed && key !== this.host.state.focus) {
      this.host.change({ focus: key });
    }
  }

  private leave(): void {
    this.pointed = false;
    this.host.change({ focus: null });
  }

  /** Bring out the line that is pointed at, here or in another chart. */
  focus(): void {
    const { focus } = this.host.state;
    const index = focus === null ? -1 : this.order.indexOf(focus);
    this.plot?.setSeries(index < 0 ? null : index + 1, { focus: true }, false);
    for (const chip of this.chips.children) {
      chip.classList.toggle('akid-faint', index >= 0 && (chip as HTMLElement).dataset.key !== focus);
    }
    this.showValues();
  }

  protected showValues(): void {
    const { focus } = this.host.state;
    if (!this.plot || focus === null || !this.shown.includes(focus)) {
      write(this.at, this.shown.length === 1 ? value(this.series(this.shown[0])?.last) : `${this.shown.length} lines`);
      return;
    }
    const { idx, left } = this.plot.cursor;
    const over = idx != null && left != null && left >= 0;
    const column = this.plot.data[this.order.indexOf(focus) + 1];
    const near = over ? nearest(column, idx) : null;
    const read = near === null ? value(this.series(focus)?.last) : value(column[near]);
    const step = over ? ` · ${this.read(this.plot.data[0][idx])}` : '';
    write(this.at, `${this.names.get(focus)} ${read}${step}${this.against(column, near)}`);
  }

  /** How far that is from the value at the step that is pinned. */
  private against(column: ArrayLike<number | null | undefined>, near: number | null): string {
    const pinned = this.pinned === null ? null : nearest(column, this.pinned);
    const now = near === null ? nearest(column, column.length - 1) : near;
    return pinned === null || now === null ? '' : ` (${difference(column[now]! - column[pinned]!)})`;
  }

  protected describe(): string {
    const told = this.shown.slice(0, 8).map(key => `${key} ${value(this.series(key)?.last)}`);
    const rest = this.shown.length - told.length;
    return `Chart of ${title(this.topic)}, ${this.shown.length} lines: ${told.join(', ')}${rest > 0 ? `, and ${rest} more` : ''}.`;
  }
}
