// A view of a dashboard: puts the parts together, draws at the pace of the screen, minds keys and theme.

import type { DashboardModel } from '../model';
import { isDark, themeChanged, watchTheme } from '../theme';
import { Chart, type IChartState } from './chart';
import { Controls } from './controls';
import { h } from './dom';
import { Explore } from './explore';
import { Header } from './header';
import { Messages } from './messages';

let views = 0;

export class DashboardView {
  readonly node: HTMLElement;
  private readonly header: Header;
  private readonly controls: Controls;
  private readonly messages: Messages;
  private readonly explore: Explore;
  private readonly grid = h('div', { class: 'akid-charts' });
  private readonly charts = new Map<string, Chart>();
  private readonly state: IChartState = { smoothing: 0.6, zoom: null };
  private readonly key = `akid-${++views}`;
  private readonly ends: (() => void)[] = [];
  private frame = 0;

  constructor(private readonly model: DashboardModel) {
    this.header = new Header(model);
    this.controls = new Controls(model);
    this.messages = new Messages(model);
    this.explore = new Explore(model);
    this.node = h(
      'div',
      { class: 'akid-dash', tabindex: 0, role: 'region', 'aria-label': `Dashboard of ${model.run.name}`, keydown: (event: KeyboardEvent) => this.onKey(event) },
      h('div', { class: 'akid-head' }, this.header.node, this.controls.rateNode, this.controls.buttons, this.header.bar, this.header.numbers, this.tools()),
      this.grid,
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
    const sizes = new ResizeObserver(() => this.charts.forEach(chart => chart.resize()));
    sizes.observe(this.grid);
    this.ends.push(() => sizes.disconnect());
    this.retint();
    this.update();
  }

  dispose(): void {
    cancelAnimationFrame(this.frame);
    this.ends.forEach(end => end());
    this.charts.forEach(chart => chart.dispose());
    this.explore.close();
  }

  private tools(): HTMLElement {
    const smoothing = h('input', {
      type: 'range', min: 0, max: 0.98, step: 0.02, value: this.state.smoothing, class: 'akid-smooth', title: 'Smoothing of the curves', 'aria-label': 'Smoothing',
      input: (event: Event) => {
        this.state.smoothing = Number((event.target as HTMLInputElement).value);
        this.schedule();
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
    this.addCharts();
    this.charts.forEach(chart => chart.update());
  }

  /** One chart for the loss, one for each evaluation, one for the learning rate, in this order and from the start. */
  private addCharts(): void {
    const hidden = new Set(['samples_per_second', 'loss', 'learning_rate']);
    const tags = [...this.model.series.keys()];
    const evaluations = tags.filter(tag => !hidden.has(tag) && !tag.startsWith('validation_'));
    const lonely = tags.filter(tag => tag.startsWith('validation_') && tag !== 'validation_loss' && !tags.includes(tag.slice(11)));
    const names = ['loss', ...evaluations, ...lonely.map(tag => tag.slice(11)), 'learning_rate'];
    if (names.length === 2) {
      names.splice(1, 0, 'accuracy'); // nearly every run has one: keep its place, so that nothing moves when it comes
    }
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
      const chart = kept.get(name) ?? this.chart(name);
      this.charts.set(name, chart);
      this.grid.append(chart.node);
    }
  }

  private chart(name: string): Chart {
    const known = name === 'learning_rate' ? [name] : [name, `validation_${name}`];
    return new Chart(this.model, this.state, name, known, this.key, zoom => {
      this.state.zoom = zoom;
      this.schedule();
    });
  }

  private retint(): void {
    this.node.classList.toggle('akid-dark', isDark());
    this.charts.forEach(chart => chart.redraw());
  }

  private onKey(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    const typing = target.matches('input[type=text]');
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
    const table = [...this.charts.values()].find(chart => chart.hasTable);
    if (this.state.zoom) {
      this.state.zoom = null;
      this.schedule();
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
