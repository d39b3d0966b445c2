// The section of the metrics: the charts of the groups, folded away when there are many, and a filter of their lines.

import { group, RANKS } from '../groups';
import type { DashboardModel } from '../model';
import { Chart } from './chart';
import { h, icon, write } from './dom';
import { Group } from './group';
import type { IChartHost, Panel } from './panel';

const FEW = 6; // charts of a dashboard, up to which the section is open from the start

export class Section {
  private readonly number = h('span', { class: 'akid-count' });
  private readonly fold = h('button', { type: 'button', class: 'akid-fold', 'aria-expanded': 'false', click: () => this.toggle() }, icon('unfold'), h('span', {}, 'Metrics'), this.number);
  private readonly filter = h('input', {
    type: 'search', class: 'akid-filter', placeholder: 'Filter lines', spellcheck: 'false',
    'aria-label': 'Show only the lines whose names hold these words', title: 'Words of names, such as conv1 or features*weight',
    input: () => this.host.change({ filter: this.filter.value })
  });
  private readonly grid = h('div', { class: 'akid-charts' });
  private readonly note = h('p', { class: 'akid-note', role: 'status' });
  readonly node = h('section', { class: 'akid-section akid-metrics', hidden: true, 'aria-label': 'Metrics' }, h('header', {}, this.fold, this.filter), this.grid, this.note);
  private readonly panels = new Map<string, Panel>();
  private chosen: boolean | null = null;
  /** The names of all groups, of those that are not shown, too. */
  known: string[] = [];

  constructor(
    private readonly model: DashboardModel,
    private readonly host: IChartHost
  ) {}

  get charts(): Panel[] {
    return [...this.panels.values()];
  }

  get isFiltered(): boolean {
    return this.filter.value !== '' && !this.grid.hidden;
  }

  clear(): void {
    this.host.change({ filter: '' });
  }

  /** `others` are the charts above; `names` those charts of their own for which there is no room above. */
  update(others: number, names: string[]): void {
    const { series, hidden, front } = this.model;
    const groups = group(series.keys());
    groups.delete(RANKS); // they have a tab of their own
    this.known = [...groups.keys()].map(topic => `${topic}/`);
    [...groups.keys()].filter(topic => hidden.has(`${topic}/`)).forEach(topic => groups.delete(topic));
    this.add(groups, names);
    this.panels.forEach((panel, name) => (panel.node.style.order = front.has(name) ? '-1' : ''));
    this.node.hidden = !this.panels.size;
    write(this.number, String(this.panels.size));
    this.open(this.chosen ?? others + this.panels.size <= FEW);
    if (this.filter.value !== this.host.state.filter) {
      this.filter.value = this.host.state.filter;
    }
    if (!this.grid.hidden) {
      this.panels.forEach(panel => panel.update());
      const found = this.charts.some(panel => !panel.node.hidden);
      write(this.note, found ? '' : 'No line has such a name.');
    }
  }

  focus(): void {
    this.charts.forEach(panel => panel instanceof Group && panel.focus());
  }

  private toggle(): void {
    this.chosen = this.grid.hidden;
    this.host.change({});
  }

  private open(open: boolean): void {
    this.fold.setAttribute('aria-expanded', String(open));
    this.filter.hidden = this.grid.hidden = this.note.hidden = !open;
  }

  private add(groups: Map<string, string[]>, names: string[]): void {
    const wanted = [...names, ...[...groups.keys()].map(topic => `${topic}/`)];
    for (const [name, panel] of this.panels) {
      if (!wanted.includes(name)) {
        panel.dispose();
        panel.node.remove();
        this.panels.delete(name);
      }
    }
    const known = [...new Set([...groups.values()].flat())];
    for (const name of wanted) {
      const panel = this.panels.get(name) ?? this.create(name);
      if (panel instanceof Group) {
        panel.hold(groups.get(name.slice(0, -1))!, known);
      }
    }
  }

  private create(name: string): Panel {
    const panel = name.endsWith('/') ? new Group(this.model, this.host, name.slice(0, -1)) : new Chart(this.model, this.host, name);
    this.panels.set(name, panel);
    this.grid.append(panel.node);
    return panel;
  }
}
