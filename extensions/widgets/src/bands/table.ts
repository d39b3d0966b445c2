// The nine numbers behind a chart of bands, newest first, and all that are here as a CSV file.

import { count, value } from '../format';
import { h, icon } from '../view/dom';
import { LINES, type Bands } from './bands';

const SHOWN = 200;

export class BandsTable {
  private readonly body = h('tbody');
  readonly node: HTMLElement;
  private bands: Bands | null = null;
  private drawn = '';

  constructor(
    private readonly tag: string,
    private readonly run: () => string
  ) {
    const label = 'Save what is drawn as CSV';
    const heads = ['Step', ...LINES].map(text => h('th', { scope: 'col' }, text));
    this.node = h(
      'div',
      { class: 'akid-table', tabindex: 0, hidden: true, role: 'region', 'aria-label': `${tag} as a table` },
      h('table', {}, h('thead', {}, h('tr', {}, ...heads)), this.body),
      h('div', { class: 'akid-foot' }, h('button', { type: 'button', class: 'akid-mini', title: label, 'aria-label': label, click: () => this.save() }, icon('save'), 'CSV'))
    );
  }

  update(bands: Bands): void {
    this.bands = bands;
    const state = `${bands.version} ${bands.length}`;
    if (state === this.drawn) {
      return;
    }
    this.drawn = state;
    const rows: HTMLElement[] = [];
    for (let i = bands.length - 1; i >= Math.max(0, bands.length - SHOWN); i--) {
      rows.push(h('tr', {}, h('th', { scope: 'row' }, count(bands.steps[i])), ...Array.from(bands.nine(i), number => h('td', {}, value(number)))));
    }
    this.body.replaceChildren(...rows);
  }

  private save(): void {
    const { bands } = this;
    const rows = bands ? Array.from({ length: bands.length }, (_, i) => [bands.steps[i], ...Array.from(bands.nine(i), number => Number(number.toPrecision(7)))]) : [];
    const lines = [['step', ...LINES], ...rows];
    const url = URL.createObjectURL(new Blob([lines.map(line => line.join(',')).join('\n') + '\n'], { type: 'text/csv' }));
    h('a', { href: url, download: `${this.run()}-${this.tag.replaceAll('/', '-')}.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }
}
