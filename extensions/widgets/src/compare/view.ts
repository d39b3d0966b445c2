// The view of a comparison: the runs in a row, and tabs for what can be seen of them.

import { count } from '../format';
import type { IView } from '../kinds';
import { isDark, themeChanged, watchTheme } from '../theme';
import { h, write } from '../view/dom';
import { COLOURS, CompareChart, type ICompareState } from './chart';
import { Graphs } from './graphs';
import type { CompareModel } from './model';
import { Parallel } from './parallel';
import { Changes, RunTable } from './tables';
import type { ICompared } from './tokens';

const TABS = ['Curves', 'What changed', 'Table', 'Graphs', 'Parallel coordinates'] as const;
type Tab = (typeof TABS)[number];

let views = 0;

export class CompareView implements IView {
  readonly node: HTMLElement;
  private readonly key = `akid-compare-${++views}`;
  private readonly state: ICompareState = { hidden: new Set(), focus: null, zoom: null };
  private readonly note = h('p', { class: 'akid-note', role: 'status' }, 'Asking about the runs …');
  private readonly chips = h('div', { class: 'akid-runs', role: 'group', 'aria-label': 'The runs: press one to hide it, or show it again' });
  private readonly heads = new Map<Tab, HTMLElement>();
  private readonly panel = h('div', { class: 'akid-tabpanel', role: 'tabpanel', id: `${this.key}-panel` });
  private readonly grid = h('div', { class: 'akid-charts' });
  private readonly charts = new Map<string, CompareChart>();
  private readonly changes: Changes;
  private readonly table: RunTable;
  private readonly graphs: Graphs;
  private readonly parallel: Parallel;
  private readonly ends: (() => void)[];
  private shown: Tab = 'Curves';
  private frame = 0;

  constructor(private readonly model: CompareModel) {
    [this.changes, this.table, this.graphs, this.parallel] = [new Changes(model), new RunTable(model), new Graphs(model), new Parallel(model)];
    const list = h('div', { class: 'akid-tablist', role: 'tablist', 'aria-label': 'What is shown', keydown: (event: KeyboardEvent) => this.onTabKey(event) });
    for (const name of TABS) {
      const head = h('button', { type: 'button', class: 'akid-tab', role: 'tab', id: `${this.key}-${name.replace(/\W/g, '')}`, 'aria-controls': this.panel.id, click: () => this.show(name) }, name);
      this.heads.set(name, head);
      list.append(head);
    }
    this.node = h('div', { class: 'akid-dash akid-compare', role: 'region', 'aria-label': 'Comparison of runs', keydown: (event: KeyboardEvent) => event.stopPropagation() }, this.note, this.chips, h('div', { class: 'akid-tabs' }, list), this.panel);
    const sizes = new ResizeObserver(() => this.charts.forEach(chart => chart.resize()));
    sizes.observe(this.panel);
    let isInSight = false;
    const visible = () => model.watch(this, isInSight && !document.hidden);
    const sight = new IntersectionObserver(entries => {
      isInSight = entries[entries.length - 1].isIntersecting;
      visible();
    });
    sight.observe(this.node);
    document.addEventListener('visibilitychange', visible);
    watchTheme();
    this.ends = [
      themeChanged.connect(() => this.dress()),
      model.told.connect(() => this.later()),
      () => sizes.disconnect(),
      () => sight.disconnect(),
      () => document.removeEventListener('visibilitychange', visible)
    ];
    this.dress();
    this.show('Curves');
  }

  dispose(): void {
    this.ends.forEach(end => end());
    cancelAnimationFrame(this.frame);
    this.model.watch(this, false);
    this.charts.forEach(chart => chart.dispose());
    this.graphs.dispose();
    this.parallel.dispose();
  }

  private later(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.update());
  }

  private show(tab: Tab): void {
    this.shown = tab;
    for (const [name, head] of this.heads) {
      head.setAttribute('aria-selected', String(name === tab));
      head.tabIndex = name === tab ? 0 : -1;
    }
    const nodes: { [name in Tab]: HTMLElement } = { Curves: this.grid, 'What changed': this.changes.node, Table: this.table.node, Graphs: this.graphs.node, 'Parallel coordinates': this.parallel.node };
    this.panel.replaceChildren(nodes[tab]);
    this.panel.dataset.tab = tab;
    this.panel.setAttribute('aria-labelledby', this.heads.get(tab)!.id);
    this.update();
  }

  private update(): void {
    const { about } = this.model;
    this.note.hidden = about !== null;
    this.drawChips();
    write(this.heads.get('What changed')!, about ? `What changed (${about.changes.length})` : 'What changed');
    if (!about) {
      return;
    }
    if (this.shown === 'Curves') {
      this.drawCharts();
    } else if (this.shown === 'What changed') {
      this.changes.update();
    } else if (this.shown === 'Table') {
      this.table.update();
    } else if (this.shown === 'Graphs') {
      void this.graphs.open();
    } else {
      void this.parallel.update();
    }
  }

  private drawCharts(): void {
    const { tags } = this.model;
    if (tags.join() !== [...this.charts.keys()].join()) {
      this.charts.forEach(chart => chart.dispose());
      this.charts.clear();
      tags.forEach(tag => this.charts.set(tag, new CompareChart(this.model, this.state, this.key, tag, () => this.update())));
      this.grid.replaceChildren(...[...this.charts.values()].map(chart => chart.node));
    }
    this.charts.forEach(chart => chart.update());
  }

  private drawChips(): void {
    const { runs } = this.model;
    if (this.chips.childElementCount !== runs.length) {
      this.chips.replaceChildren(...runs.map((run, at) => this.chip(run, at)));
    }
    runs.forEach((run, at) => {
      const chip = this.chips.children[at] as HTMLElement;
      chip.setAttribute('aria-pressed', String(!this.state.hidden.has(run.uid)));
      const [badge, step] = [chip.querySelector<HTMLElement>('.akid-badge')!, chip.querySelector<HTMLElement>('.akid-fact')!];
      badge.dataset.status = run.status;
      write(badge, run.status);
      write(step, `step ${count(run.step)}${run.max_steps ? ` / ${count(run.max_steps)}` : ''}`);
    });
  }

  private chip(run: ICompared, at: number): HTMLElement {
    const point = (uid: string | null) => {
      this.state.focus = uid;
      this.charts.forEach(chart => chart.update());
    };
    return h(
      'button',
      {
        type: 'button', class: 'akid-chip akid-run', 'data-colour': at < COLOURS ? at : 'grey', 'data-run': run.name, title: at ? 'Hide this run, or show it again' : 'The first run: the others are told by how they differ from it',
        click: () => this.toggle(run.uid), mouseenter: () => point(run.uid), mouseleave: () => point(null), focus: () => point(run.uid), blur: () => point(null)
      },
      h('i', { 'aria-hidden': 'true' }),
      h('b', {}, run.name),
      h('span', { class: 'akid-badge' }),
      h('span', { class: 'akid-fact' })
    );
  }

  private toggle(uid: string): void {
    if (!this.state.hidden.delete(uid)) {
      this.state.hidden.add(uid);
    }
    this.update();
  }

  private onTabKey(event: KeyboardEvent): void {
    const at = TABS.indexOf(this.shown);
    const last = TABS.length - 1;
    const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at ? at - 1 : last, Home: 0, End: last }[event.key];
    if (to !== undefined) {
      this.show(TABS[to]);
      this.heads.get(TABS[to])!.focus();
      event.preventDefault();
    }
  }

  private dress(): void {
    this.node.classList.toggle('akid-dark', isDark());
    this.charts.forEach(chart => chart.redraw());
    this.parallel.redraw();
  }
}
