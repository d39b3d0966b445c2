// A view of a dashboard: puts the parts together, draws at the pace of the screen, minds keys and theme.

import type { DashboardModel } from '../model';
import { isDark, themeChanged, watchTheme } from '../theme';
import { Alarm } from './alarm';
import { Chart } from './chart';
import { Controls } from './controls';
import { h } from './dom';
import { Explore } from './explore';
import { Header } from './header';
import { Messages } from './messages';
import type { IChartHost, IChartState, Panel } from './panel';
import { Ranks } from './ranks';
import { Section } from './section';

const ROOM = 6; // charts of their own above the metrics
const NO_CHART = new Set(['samples_per_second', 'observation_share', 'observation_every', 'loss', 'learning_rate']);
const PATIENCE = 100; // steps after which a run that has no loss is not expected to have one

let views = 0;

export class DashboardView implements IChartHost {
  readonly node: HTMLElement;
  private readonly header: Header;
  private readonly controls: Controls;
  private readonly messages: Messages;
  private readonly alarm: Alarm;
  private readonly metrics: Section;
  private readonly ranks: Ranks;
  private readonly explore: Explore;
  private readonly grid = h('div', { class: 'akid-charts' });
  private readonly charts = new Map<string, Chart>();
  readonly state: IChartState = { smoothing: 0.6, zoom: null, filter: '', focus: null };
  readonly key = `akid-${++views}`;
  private readonly ends: (() => void)[] = [];
  private frame = 0;

  constructor(private readonly model: DashboardModel) {
    this.header = new Header(model);
    this.controls = new Controls(model);
    this.messages = new Messages(model);
    this.explore = new Explore(model);
    this.alarm = new Alarm(model);
    this.metrics = new Section(model, this);
    this.ranks = new Ranks(model, this);
    this.node = h(
      'div',
      { class: 'akid-dash', tabindex: 0, role: 'region', 'aria-label': `Dashboard of ${model.run.name}`, keydown: (event: KeyboardEvent) => this.onKey(event) },
      h('div', { class: 'akid-head' }, this.header.node, this.controls.rateNode, this.controls.buttons, this.controls.processes.node, this.header.bar, this.header.numbers, this.tools()),
      this.alarm.node,
      this.grid,
      this.metrics.node,
      this.ranks.node,
      this.explore.node,
      this.controls.notice,
      h('div', { class: 'akid-said' }, this.messages.node)
    );
    watchTheme();
    this.ends.push(
      model.changed.connect(() => this.schedule()),
      model.acted.connect(() => this.schedule()),
      themeChanged.connect(() => this.retint())
    );
    const sizes = new ResizeObserver(() => this.panels.forEach(panel => panel.resize()));
    sizes.observe(this.grid);
    sizes.observe(this.metrics.node);
    sizes.observe(this.ranks.node);
    this.ends.push(() => sizes.disconnect());
    this.retint();
    this.update();
  }

  dispose(): void {
    cancelAnimationFrame(this.frame);
    this.ends.forEach(end => end());
    this.panels.forEach(panel => panel.dispose());
    this.explore.close();
  }

  /** All charts, those of the metrics last. */
  private get panels(): Panel[] {
    return [...this.charts.values(), ...this.metrics.charts, ...this.ranks.charts];
  }

  change(state: Partial<IChartState>): void {
    Object.assign(this.state, state);
    if (Object.keys(state).join() === 'focus') {
      this.metrics.focus();
    } else {
      this.schedule();
    }
  }

  private tools(): HTMLElement {
    const smoothing = h('input', {
      type: 'range', min: 0, max: 0.98, step: 0.02, value: this.state.smoothing, class: 'akid-smooth', title: 'Smoothing of the curves', 'aria-label': 'Smoothing',
      input: (event: Event) => {
        this.change({ smoothing: Number((event.target as HTMLInputElement).value) });
      }
    });
    const plotly = h('button', { type: 'button', class: 'akid-button akid-plain', title: 'Open as a plotly figure', 'aria-expanded': 'false' }, 'Plotly');
    plotly.addEventListener('click', () => {
      if (this.explore.isOpen) {
        this.explore.close();
      } else {
        void this.explore.open();
      }
      this.showExplore(plotly);
    });
    this.explore.closed.connect(() => this.showExplore(plotly));
    return h('div', { class: 'akid-tools' }, h('label', {}, h('span', {}, 'Smoothing'), smoothing), plotly);
  }

  /** The figure takes the place of the charts. */
  private showExplore(button: HTMLElement): void {
    button.setAttribute('aria-expanded', String(this.explore.isOpen));
    this.grid.hidden = this.explore.isOpen;
    for (const section of [this.metrics, this.ranks]) {
      section.node.classList.toggle('akid-covered', this.explore.isOpen);
    }
    this.schedule();
  }

  private schedule(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.update();
    });
  }

  private update(): void {
    this.node.dataset.status = this.model.run.status;
    this.node.dataset.step = String(this.model.run.step);
    this.node.classList.toggle('akid-past', !this.model.run.live);
    this.header.update();
    this.controls.update();
    this.messages.update();
    this.alarm.update();
    const names = this.names();
    this.addCharts(names.slice(0, ROOM));
    this.charts.forEach(chart => chart.update());
    this.metrics.update(this.charts.size, names.slice(ROOM));
    this.ranks.update();
  }

  /** The charts of a quantity of its own: the loss, the learning rate and each evaluation; from the start, where they are to come. */
  private names(): string[] {
    const { series, run } = this.model;
    const tags = [...series.keys()].filter(tag => !tag.includes('/'));
    const bare = tags.filter(tag => !NO_CHART.has(tag)).map(tag => tag.replace(/^validation_/, ''));
    const evaluations = [...new Set(bare)].filter(name => !NO_CHART.has(name));
    if (!series.has('loss') && (!run.live || run.step > PATIENCE) && series.size) {
      return [...evaluations, 'loss', 'learning_rate'].filter(name => series.has(name) || series.has(`validation_${name}`));
    }
    // Nearly every run has an accuracy: keep its place, so that nothing moves when it comes.
    const named = evaluations.length ? evaluations : ['accuracy'];
    return ['loss', ...named.slice(0, ROOM - 2), 'learning_rate', ...named.slice(ROOM - 2)];
  }

  private addCharts(names: string[]): void {
    if (names.join() === [...this.charts.keys()].join()) {
      return;
    }
    for (const [name, chart] of this.charts) {
      if (!names.includes(name)) {
        chart.dispose();
        chart.node.remove();
        this.charts.delete(name);
      }
    }
    const kept = new Map(this.charts);
    this.charts.clear();
    for (const name of names) {
      const chart = kept.get(name) ?? new Chart(this.model, this, name);
      this.charts.set(name, chart);
      this.grid.append(chart.node);
    }
  }

  private retint(): void {
    this.node.classList.toggle('akid-dark', isDark());
    this.panels.forEach(panel => panel.redraw());
  }

  private onKey(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    const typing = target.matches('input[type=text], input[type=search], select');
    if (event.key === 'Escape') {
      this.escape(event);
    } else if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      if (event.key === ' ' && !target.matches('button, summary')) {
        this.controls.togglePause();
        event.preventDefault();
      } else if (event.key === 's') {
        this.controls.stepOnce();
        event.preventDefault();
      }
    }
    event.stopPropagation();
  }

  /** Close what is open, innermost first; with nothing open, leave the dashboard. */
  private escape(event: KeyboardEvent): void {
    const table = this.panels.find(panel => panel.hasTable);
    if (this.state.zoom) {
      this.change({ zoom: null });
    } else if (this.metrics.isFiltered) {
      this.metrics.clear();
    } else if (table) {
      table.toggleTable();
    } else if (this.explore.isOpen) {
      this.explore.close();
    } else {
      (event.target as HTMLElement).blur();
    }
    event.preventDefault();
  }
}
