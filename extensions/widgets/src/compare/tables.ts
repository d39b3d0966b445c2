// What changed between the runs, and the runs as a table.

import { h } from '../view/dom';
import { COLOURS } from './chart';
import type { CompareModel } from './model';
import { headed, said, signOf, sorted } from './said';
import type { ICompared, IChange, Value } from './tokens';

/** A run's name with its colour. */
export function named(model: CompareModel, run: ICompared): HTMLElement {
  const place = model.runs.findIndex(({ uid }) => uid === run.uid);
  return h('span', { class: 'akid-chip', 'data-colour': place < COLOURS ? place : 'grey' }, h('i', { 'aria-hidden': 'true' }), h('span', {}, run.name));
}

export class Changes {
  readonly node = h('div', { class: 'akid-people akid-changes', tabindex: 0, role: 'region', 'aria-label': 'What changed' });
  private drawn = '';

  constructor(private readonly model: CompareModel) {}

  update(): void {
    const { about, runs } = this.model;
    const state = JSON.stringify([about?.changes, runs.map(run => run.name)]);
    if (!about || state === this.drawn) {
      return;
    }
    this.drawn = state;
    if (!about.changes.length) {
      this.node.replaceChildren(h('p', { class: 'akid-note' }, 'These runs were made and treated alike.'));
      return;
    }
    const head = h('tr', {}, h('th', { scope: 'col', class: 'akid-left' }, 'What changed'), ...runs.map(run => h('th', { scope: 'col', class: 'akid-left' }, named(this.model, run))));
    const body = headed(about.changes).flatMap(([heading, changes]) => [
      h('tr', { class: 'akid-heading' }, h('th', { scope: 'rowgroup', class: 'akid-left', colspan: runs.length + 1 }, heading)),
      ...changes.map(change => this.row(change))
    ]);
    this.node.replaceChildren(h('table', {}, h('thead', {}, head), h('tbody', {}, ...body)));
  }

  private row({ kind, name, values }: IChange): HTMLElement {
    const relative = kind === 'code' || kind === 'graph';
    const cells = values.map((one, at) => {
      if (relative && at === 0) {
        return h('td', { class: 'akid-left akid-quietly' }, 'the first');
      }
      if (relative && one === '') {
        return h('td', { class: 'akid-left akid-quietly' }, 'the same');
      }
      return h('td', { class: `akid-left${!relative && one !== values[0] ? ' akid-other' : ''}` }, kind === 'code' ? this.code(one) : said(one));
    });
    return h('tr', { 'data-kind': kind }, h('th', { scope: 'row', class: 'akid-left' }, name.replace(/_/g, ' ')), ...cells);
  }

  private code(diff: Value): HTMLElement | string {
    if (diff === null) {
      return said(diff);
    }
    const lines = String(diff).split('\n').map(line => h('span', { class: `akid-${signOf(line) ?? 'stayed'}` }, `${line}\n`));
    return h('pre', { class: 'akid-diff' }, ...lines);
  }
}

export class RunTable {
  readonly node = h('div', { class: 'akid-people', tabindex: 0, role: 'region', 'aria-label': 'The runs as a table' });
  private column: string | null = null;
  private down = false;
  private drawn = '';

  constructor(private readonly model: CompareModel) {}

  update(): void {
    const { about, runs } = this.model;
    const state = JSON.stringify([about?.table, this.column, this.down, runs.map(run => [run.status, run.step])]);
    if (!about || state === this.drawn) {
      return;
    }
    this.drawn = state;
    const rows = about.table.map((row, at) => ({ ...row, status: runs[at].status, step: runs[at].step, '': at }));
    const columns = Object.keys(about.table[0] ?? {});
    const shown = this.column === null ? rows : sorted(rows, this.column, this.down);
    const held = this.node.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset.column : undefined;
    this.node.replaceChildren(
      h('table', {},
        h('thead', {}, h('tr', {}, ...columns.map(column => this.head(column)))),
        h('tbody', {}, ...shown.map(row => h('tr', {}, ...columns.map(column => column === 'run'
          ? h('th', { scope: 'row', class: 'akid-left' }, named(this.model, runs[row['']]))
          : h('td', { class: typeof (row as { [name: string]: Value })[column] === 'number' ? '' : 'akid-left' }, said((row as { [name: string]: Value })[column] ?? null))))))
      )
    );
    if (held) {
      this.node.querySelector<HTMLElement>(`[data-column="${CSS.escape(held)}"]`)?.focus();
    }
  }

  private head(column: string): HTMLElement {
    const sort = this.column === column ? (this.down ? 'descending' : 'ascending') : 'none';
    const button = h('button', { type: 'button', class: 'akid-mini', 'data-column': column, title: `Sort by ${column}`, click: () => this.sort(column) }, `${column.replace(/_/g, ' ')}${sort === 'none' ? '' : this.down ? ' ▾' : ' ▴'}`);
    return h('th', { scope: 'col', class: 'akid-left', 'aria-sort': sort }, button);
  }

  private sort(column: string): void {
    this.down = this.column === column && !this.down;
    this.column = column;
    this.update();
  }
}
