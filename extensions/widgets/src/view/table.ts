// The numbers behind a chart, newest first, and all of them as a CSV file.

import { count, title, value } from '../format';
import type { DashboardModel } from '../model';
import { align } from '../series';
import { h, icon } from './dom';

const SHOWN = 200;

export class Table {
  private readonly body = h('tbody');
  readonly node: HTMLElement;
  private drawn = '';

  constructor(
    private readonly model: DashboardModel,
    private readonly name: string,
    private readonly tags: string[]
  ) {
    const heads = ['Step', ...tags.map(title)].map(text => h('th', { scope: 'col' }, text));
    const label = `Save all of ${title(name)} as CSV`;
    this.node = h(
      'div',
      { class: 'akid-table', tabindex: 0, hidden: true, role: 'region', 'aria-label': `${title(name)} as a table` },
      h('table', {}, h('thead', {}, h('tr', {}, ...heads)), this.body),
      h('div', { class: 'akid-foot' }, h('button', { type: 'button', class: 'akid-mini', title: label, 'aria-label': label, click: () => this.save() }, icon('save'), 'CSV'))
    );
  }

  update(): void {
    const [steps, columns] = this.rows();
    const state = `${steps.length} ${steps.at(-1)}`;
    if (state === this.drawn) {
      return;
    }
    this.drawn = state;
    const rows: HTMLElement[] = [];
    for (let i = steps.length - 1; i >= Math.max(0, steps.length - SHOWN); i--) {
      const cells = columns.map(column => h('td', {}, column[i] === null ? '' : value(column[i])));
      rows.push(h('tr', {}, h('th', { scope: 'row' }, count(steps[i])), ...cells));
    }
    this.body.replaceChildren(...rows);
  }

  private rows(): [number[], (number | null)[][]] {
    return align(this.tags.map(tag => this.model.series.get(tag) ?? { steps: [], values: [] }));
  }

  private save(): void {
    const [steps, columns] = this.rows();
    const lines = [['step', ...this.tags], ...steps.map((step, i) => [step, ...columns.map(column => column[i] ?? '')])];
    const url = URL.createObjectURL(new Blob([lines.map(line => line.join(',')).join('\n') + '\n'], { type: 'text/csv' }));
    h('a', { href: url, download: `${this.model.run.name}-${this.name}.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }
}
