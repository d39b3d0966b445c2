// One distribution, large: its nine lines by name, their values under the cursor, and the numbers behind it.

import { count, title, value } from '../format';
import { h, icon, write } from '../view/dom';
import type { Bands } from './bands';
import { LINES } from './bands';
import { BandsChart, type IBandsHost } from './chart';
import { describe, keyOf, looks, topicOf } from './said';
import { BandsTable } from './table';

export interface ILargeHost extends IBandsHost {
  readonly name: string;
  close(): void;
  /** Show the one before (-1) or after (1). */
  turn(by: number): void;
}

export class Large {
  private readonly chart: BandsChart;
  private readonly heading = h('h4');
  private readonly looks = h('p', { class: 'akid-bands-looks' });
  private readonly step = h('th', { scope: 'col' });
  private readonly cells = LINES.map(() => h('td'));
  private readonly legend: HTMLElement;
  private readonly plot: HTMLElement;
  private readonly table: BandsTable;
  private readonly tableButton = h('button', { type: 'button', class: 'akid-mini', 'aria-pressed': 'false', title: 'As a table', 'aria-label': 'As a table', click: () => this.toggleTable() }, icon('table'));
  private readonly code = h('code', { class: 'akid-code', title: 'The same as a plotly figure, in a cell' });
  readonly node: HTMLElement;
  private bands: Bands | undefined;
  private at: number | null = null;

  constructor(
    readonly tag: string,
    private readonly host: ILargeHost
  ) {
    this.chart = new BandsChart(host, true);
    this.table = new BandsTable(tag, () => host.name);
    this.plot = h(
      'div',
      { class: 'akid-bands-plot', tabindex: 0, role: 'slider', 'aria-label': `${title(topicOf(tag))} of ${keyOf(tag)} over the steps`, 'aria-valuemin': 0, keydown: (event: KeyboardEvent) => this.onKey(event) },
      this.chart.node
    );
    const rows = LINES.map((line, i) => h('tr', { 'data-line': line }, h('th', { scope: 'row' }, h('i', { 'data-strip': Math.min(i, 8 - i) }), line), this.cells[i])).reverse();
    this.legend = h('table', { class: 'akid-bands-legend' }, h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Step'), this.step)), h('tbody', {}, ...rows));
    write(this.heading, keyOf(tag));
    write(this.code, `run.figure("${tag}")`);
    this.node = h(
      'section',
      { class: 'akid-panel akid-bands-large', 'aria-label': `${title(topicOf(tag))} of ${keyOf(tag)}`, 'data-tag': tag },
      h(
        'header',
        {},
        this.button('←', 'All distributions', () => host.close()),
        this.heading,
        h('span', { class: 'akid-bands-topic' }, title(topicOf(tag))),
        h('span', { class: 'akid-at' }, this.code),
        this.button('‹', 'The one before', () => host.turn(-1)),
        this.button('›', 'The one after', () => host.turn(1)),
        this.tableButton
      ),
      h('div', { class: 'akid-bands-body' }, this.plot, this.legend),
      this.table.node,
      this.looks
    );
  }

  private button(text: string, said: string, click: () => void): HTMLElement {
    return h('button', { type: 'button', class: 'akid-mini akid-bands-turn', title: said, 'aria-label': said, click }, text);
  }

  dispose(): void {
    this.chart.free();
  }

  focus(): void {
    this.plot.focus();
  }

  get hasTable(): boolean {
    return !this.table.node.hidden;
  }

  toggleTable(): void {
    const shown = (this.table.node.hidden = !this.table.node.hidden);
    this.plot.parentElement!.hidden = !shown;
    this.tableButton.setAttribute('aria-pressed', String(!shown));
    this.tableButton.replaceChildren(icon(shown ? 'table' : 'chart'));
    this.draw(this.bands);
  }

  draw(bands: Bands | undefined): void {
    this.bands = bands;
    this.node.dataset.points = String(bands?.length ?? 0);
    this.node.dataset.lastStep = String(bands?.lastStep ?? 0);
    write(this.looks, looks(bands));
    if (bands && this.hasTable) {
      this.table.update(bands);
    } else if (bands) {
      this.chart.draw(bands);
    }
    this.mark(this.at);
  }

  /** Show the nine values at a step, else the last ones. */
  mark(step: number | null): void {
    this.at = step;
    const { bands } = this;
    const index = bands && (step === null ? (bands.length ? bands.length - 1 : null) : bands.nearest(step));
    this.chart.mark(index != null && step !== null ? bands!.steps[index] : null);
    write(this.step, index == null ? '–' : count(bands!.steps[index]));
    const nine = index == null ? [] : [...bands!.nine(index)];
    this.cells.forEach((cell, line) => write(cell, value(nine[line])));
    this.plot.setAttribute('aria-valuemax', String(bands?.lastStep ?? 0));
    this.plot.setAttribute('aria-valuenow', String(index == null ? 0 : bands!.steps[index]));
    this.plot.setAttribute('aria-valuetext', index == null ? describe(this.tag, bands) : `step ${count(bands!.steps[index])}: ${LINES.map((line, i) => `${line} ${value(nine[i])}`).join(', ')}`);
  }

  /** The arrows go from look to look. */
  private onKey(event: KeyboardEvent): void {
    const { bands } = this;
    const far = event.shiftKey ? 10 : 1;
    const here = bands?.length ? (this.at === null ? bands.length - 1 : bands.nearest(this.at)!) : null;
    if (here === null || event.target !== this.plot) {
      return;
    }
    const last = bands!.length - 1;
    const to = { ArrowLeft: here - far, ArrowRight: here + far, Home: 0, End: last }[event.key];
    if (to !== undefined) {
      this.host.point(bands!.steps[Math.min(last, Math.max(0, to))]);
      event.preventDefault();
    } else if (event.key === 'PageUp' || event.key === 'PageDown') {
      this.host.turn(event.key === 'PageUp' ? -1 : 1);
      event.preventDefault();
    }
  }
}
