// A view of a dashboard: a head that is always there, tabs, and the last messages; draws at the pace of the screen.

import type { DashboardModel } from '../model';
import { isDark, themeChanged, watchTheme } from '../theme';
import { Alarm } from './alarm';
import { Controls } from './controls';
import { h } from './dom';
import { Header } from './header';
import { Help } from './help';
import { Last } from './last';
import type { IChartState } from './panel';
import { TabList } from './tablist';
import type { ITabHost } from './tabs';

let views = 0;

export class DashboardView implements ITabHost {
  readonly node: HTMLElement;
  private readonly header: Header;
  private readonly controls: Controls;
  private readonly alarm: Alarm;
  private readonly tabs: TabList;
  private readonly last: Last;
  private readonly help = new Help(() => this.tabs.shown?.keys ?? []);
  readonly state: IChartState = { smoothing: 0.6, zoom: null, filter: '', focus: null, axis: 'step', pin: null };
  readonly key = `akid-${++views}`;
  private readonly ends: (() => void)[] = [];
  private readonly keys: { [key: string]: () => void } = {
    s: () => this.controls.stepOnce(),
    c: () => this.controls.checkpoint(),
    n: () => this.last.write(),
    '?': () => this.help.toggle()
  };
  private frame = 0;
  private isInSight = true;

  constructor(private readonly model: DashboardModel) {
    this.header = new Header(model);
    this.controls = new Controls(model);
    this.alarm = new Alarm(model);
    this.tabs = new TabList(model, this);
    this.last = new Last(model, () => this.show('Log'), this.help.button);
    this.node = h(
      'div',
      { class: 'akid-dash', tabindex: 0, role: 'region', 'aria-label': `Dashboard of ${model.run.name}`, keydown: (event: KeyboardEvent) => this.onKey(event) },
      h('div', { class: 'akid-head' }, this.header.node, this.controls.rateNode, this.controls.buttons, this.controls.processes.node, this.header.bar, this.header.numbers),
      this.alarm.node,
      this.controls.notice,
      this.tabs.head,
      this.tabs.panel,
      this.help.node,
      this.last.node
    );
    watchTheme();
    const wake = () => this.isSeen && this.schedule(); // what nobody saw was not fetched
    const sight = new IntersectionObserver(entries => {
      this.isInSight = entries[entries.length - 1].isIntersecting;
      wake();
    });
    sight.observe(this.node);
    document.addEventListener('visibilitychange', wake);
    this.ends.push(
      model.changed.connect(() => this.schedule()),
      model.acted.connect(() => this.schedule()),
      model.others.changed.connect(() => this.schedule()),
      themeChanged.connect(() => this.retint()),
      () => sight.disconnect(),
      () => document.removeEventListener('visibilitychange', wake)
    );
    this.retint();
    this.update();
  }

  dispose(): void {
    cancelAnimationFrame(this.frame);
    this.ends.forEach(end => end());
    this.tabs.dispose();
  }

  get isSeen(): boolean {
    return this.isInSight && !document.hidden;
  }

  show(name: string, words?: string): void {
    this.tabs.show(name, words);
  }

  change(state: Partial<IChartState>): void {
    Object.assign(this.state, state);
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
    this.alarm.update();
    this.tabs.update();
    this.last.update();
  }

  private retint(): void {
    this.node.classList.toggle('akid-dark', isDark());
    this.tabs.tabs.forEach(tab => tab.redraw?.());
  }

  private onKey(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    const typing = target.matches('input:not([type=range], [type=checkbox]), select, textarea');
    if (event.defaultPrevented) {
      // a tab has taken it
    } else if (event.key === 'Escape') {
      this.escape(event);
    } else if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      if (event.key === ' ' && !target.matches('button, summary')) {
        this.controls.togglePause();
        event.preventDefault();
      } else if (event.key in this.keys) {
        this.keys[event.key]();
        event.preventDefault();
      } else if (/^[1-9]$/.test(event.key) && this.tabs.pick(Number(event.key))) {
        event.preventDefault();
      }
    }
    event.stopPropagation();
  }

  /** Close what is open, innermost first; with nothing open, leave the dashboard. */
  private escape(event: KeyboardEvent): void {
    if (this.help.isOpen) {
      this.help.toggle();
    } else if (this.state.zoom) {
      this.change({ zoom: null });
    } else if (this.state.pin !== null) {
      this.change({ pin: null });
    } else if (!this.tabs.shown?.escape?.()) {
      (event.target as HTMLElement).blur();
    }
    event.preventDefault();
  }
}
