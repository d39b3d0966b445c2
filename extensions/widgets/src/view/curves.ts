// The tab of the curves: a chart for each quantity of its own, the section of the metrics, and plotly in their place.

import type { DashboardModel } from '../model';
import { BranchButton } from './branching';
import { Chart } from './chart';
import { ChartList } from './chartlist';
import { h } from './dom';
import { Explore } from './explore';
import type { IChartHost, IChartState, Panel } from './panel';
import { RunList } from './runlist';
import { Section } from './section';
import type { ITab, ITabHost } from './tabs';

const ROOM = 6; // charts of their own above the metrics
const NO_CHART = new Set(['samples_per_second', 'observation_share', 'observation_every', 'loss', 'learning_rate']);
const PATIENCE = 100; // steps after which a run that has no loss is not expected to have one

export class Curves implements ITab {
  private readonly metrics: Section;
  private readonly explore: Explore;
  private readonly grid = h('div', { class: 'akid-charts' });
  private readonly charts = new Map<string, Chart>();
  private readonly own: IChartHost;
  private readonly runs: RunList;
  private readonly branch: BranchButton;
  private timer: ReturnType<typeof setTimeout> | undefined;
  readonly node: HTMLElement;
  readonly tools: HTMLElement;
  readonly keys: [string, string][] = [
    ['← →', 'In a chart: the values from row to row'],
    ['Enter', 'In a chart: pin the step, or let it go']
  ];

  constructor(
    private readonly model: DashboardModel,
    private readonly host: ITabHost
  ) {
    this.own = { key: host.key, state: host.state, change: change => this.change(change) };
    this.explore = new Explore(model);
    this.metrics = new Section(model, this.own);
    this.runs = new RunList(model);
    this.branch = new BranchButton(model);
    this.tools = this.makeTools();
    this.node = h('div', { class: 'akid-curves' }, this.grid, this.metrics.node, this.explore.node);
  }

  dispose(): void {
    this.panels.forEach(panel => panel.dispose());
    this.explore.close();
    this.runs.dispose();
    this.branch.dispose();
    this.pause();
  }

  pause(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  update(): void {
    const { hidden, front } = this.model;
    const names = [...this.names()].filter(name => !hidden.has(name)).sort((a, b) => Number(front.has(b)) - Number(front.has(a)));
    this.addCharts(names.slice(0, ROOM));
    this.charts.forEach(chart => chart.update());
    this.metrics.update(this.charts.size, names.slice(ROOM));
    this.runs.update();
    this.offerBranch();
    this.follow();
  }

  resize(): void {
    this.panels.forEach(panel => panel.resize());
  }

  redraw(): void {
    this.panels.forEach(panel => panel.redraw());
  }

  escape(): boolean {
    const table = this.panels.find(panel => panel.hasTable);
    const large = this.panels.find(panel => panel.isLarge);
    if (this.metrics.isFiltered) {
      this.metrics.clear();
    } else if (table) {
      table.toggleTable();
    } else if (large) {
      large.toggleLarge();
    } else if (this.explore.isOpen) {
      this.explore.close();
    } else {
      return false;
    }
    return true;
  }

  /** All charts, those of the metrics last. */
  private get panels(): Panel[] {
    return [...this.charts.values(), ...this.metrics.charts];
  }

  private change(state: Partial<IChartState>): void {
    if (Object.keys(state).join() === 'focus') {
      Object.assign(this.host.state, state);
      this.metrics.focus();
    } else {
      this.host.change(state);
    }
  }

  /** A branch begins where a step is pinned: the button stands in the chart in which that was done. */
  private offerBranch(): void {
    const { pin, pinnedIn } = this.host.state;
    const chart = this.charts.get(pinnedIn ?? '') ?? [...this.charts.values()][0];
    this.branch.update(chart ? pin : null);
    chart?.hold(this.branch.node);
  }

  /** Fetch what the charts need beside the run's own history, while they are seen. */
  private follow(): void {
    const { others } = this.model;
    const timed = this.host.state.axis === 'time';
    if (this.host.isSeen) {
      const shown = this.panels.filter(panel => panel instanceof Chart);
      const tags = shown.flatMap(chart => chart.tags);
      others.follow(tags, timed);
      this.model.followAncestors(tags);
      if (timed) {
        this.model.followTimes();
      }
    }
    if (others.all.some(({ live }) => live)) {
      this.timer ??= setTimeout(() => {
        this.timer = undefined;
        this.host.change({});
      }, 1000);
    }
  }

  private makeTools(): HTMLElement {
    const smoothing = h('input', {
      type: 'range', min: 0, max: 0.98, step: 0.02, value: this.host.state.smoothing, class: 'akid-smooth', title: 'Smoothing of the curves', 'aria-label': 'Smoothing',
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
    const axis = h('select', {
      class: 'akid-axis', title: 'What lies on the horizontal axis', 'aria-label': 'Horizontal axis',
      change: () => this.change({ axis: axis.value as IChartState['axis'] })
    }, h('option', { value: 'step' }, 'by step'), h('option', { value: 'time' }, 'by time'));
    axis.value = this.host.state.axis;
    const charts = new ChartList(this.model, () => [...this.names(), ...this.metrics.known], () => this.host.change({}));
    return h('div', { class: 'akid-tools' }, axis, h('label', {}, h('span', {}, 'Smoothing'), smoothing), charts.node, this.runs.node, plotly);
  }

  /** The figure takes the place of the charts. */
  private showExplore(button: HTMLElement): void {
    button.setAttribute('aria-expanded', String(this.explore.isOpen));
    this.grid.hidden = this.explore.isOpen;
    this.metrics.node.classList.toggle('akid-covered', this.explore.isOpen);
    this.host.change({});
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
      const chart = kept.get(name) ?? new Chart(this.model, this.own, name);
      this.charts.set(name, chart);
      this.grid.append(chart.node);
    }
  }
}
