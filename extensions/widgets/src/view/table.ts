// The numbers behind a chart, newest first, and all of them as a CSV file.

import { count, title, value } from '../format';
import type { DashboardModel } from '../model';
import { align } from '../series';
import { h, icon } from './dom';

const SHOWN = 200;

export class Table {
  private readonly head = h('tr');
  private readonly body = h('tbody');
  readonly node: HTMLElement;
  private drawn = '';

  constructor(
    private readonly model: DashboardModel,
    private readonly name: string,
    private readonly tags: () => string[],
    private readonly heading: (tag: string) => string
  ) {
    const label = `Save all of ${title(name)} as CSV`;
    this.node = h(
      'div',
      { class: 'akid-table', tabindex: 0, hidden: true, role: 'region', 'aria-label': `${title(name)} as a table` },
      h('table', {}, h('thead', {}, this.head), this.body),
      h('div', { class: 'akid-foot' }, h('button', { type: 'button', class: 'akid-mini', title: label, 'aria-label': label, click: () => this.save() }, icon('save'), 'CSV'))
    );
  }

  update(): void {
    const tags = this.tags();
    const [steps, columns] = this.rows(tags, SHOWN);
    const state = `${tags.join()} ${steps.length} ${steps.at(-1)}`;
    if (state === this.drawn) {
      return;
    }
    this.drawn = state;
    this.head.replaceChildren(...['Step', ...tags.map(this.heading)].map(text => h('th', { scope: 'col' }, text)));
    const rows: HTMLElement[] = [];
    for (let i = steps.length - 1; i >= Math.max(0, steps.length - SHOWN); i--) {
      const cells = columns.map(column => h('td', {}, column[i] === null ? '' : value(column[i])));
      rows.push(h('tr', {}, h('th', { scope: 'row' }, count(steps[i])), ...cells));
    }
    this.body.replaceChildren(...rows);
  }

  /** The newest points of each tag, at most `most`. */
  private rows(tags: string[], most = Infinity): [number[], (number | null)[][]] {
    const known = tags.map(tag => this.model.series.get(tag) ?? { steps: [], values: [] });
    return align(known.map(({ steps, values }) => ({ steps: steps.slice(-most), values: values.slice(-most) })));
  }

  private save(): void {
    const tags = this.tags();
    const [steps, columns] = this.rows(tags);
    const lines = [['step', ...tags.map(quoted)], ...steps.map((step, i) => [step, ...columns.map(column => column[i] ?? '')])];
    const url = URL.createObjectURL(new Blob([lines.map(line => line.join(',')).join('\n') + '\n'], { type: 'text/csv' }));
    h('a', { href: url, download: `${this.model.run.name}-${this.name}.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }
}

/** A field of a CSV file. */
function quoted(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
