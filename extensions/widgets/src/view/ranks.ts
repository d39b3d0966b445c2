// The tab of the ranks: who they are and how they are, their charts, and timelines on demand.

import { count, ms, sentence } from '../format';
import { RANKS } from '../groups';
import type { DashboardModel } from '../model';
import { complaints, table, type IRank } from '../ranks';
import type { IEvent } from '../tokens';
import { h, icon, write } from './dom';
import { download, Lanes } from './lanes';
import type { IChartHost, IChartState } from './panel';
import { RankChart } from './rankchart';
import { RankTable } from './ranktable';
import type { ITab, ITabHost } from './tabs';

const CHARTS = ['own_ms', 'wait_ms', 'gradient_norm'];
const STEPS = 50; // of a timeline

export class Ranks implements ITab {
  private readonly summary = h('span', { class: 'akid-summary' });
  private readonly trace = h('button', { type: 'button', class: 'akid-button akid-trace', title: `Record a timeline of the next ${STEPS} steps`, click: () => this.model.act('timeline', STEPS) }, icon('timeline'), h('span', {}, 'Timeline'));
  private readonly traces = h('select', { 'aria-label': 'Timelines that were recorded', hidden: true, change: () => void this.open() });
  private readonly engines = h('button', { type: 'button', class: 'akid-mini', hidden: true, title: "Save Horovod's own timeline, for chrome://tracing or ui.perfetto.dev", click: () => void this.keep() }, icon('save'), 'Horovod');
  private readonly note = h('p', { class: 'akid-note', role: 'status' });
  private readonly table = new RankTable();
  private readonly lanes = new Lanes();
  private readonly grid = h('div', { class: 'akid-charts' });
  readonly node: HTMLElement;
  private readonly lines: RankChart[];
  private readonly own: IChartHost;
  private readonly seen = new Set<number>(); // timelines
  private known: IEvent[] = [];
  private filter = '';
  private focused: string | null = null;

  constructor(
    private readonly model: DashboardModel,
    private readonly host: ITabHost
  ) {
    const state = () => this.state;
    this.own = { key: host.key, get state() { return state(); }, change: change => this.change(change) };
    this.lines = CHARTS.map(name => new RankChart(model, this.own, `${RANKS}/${name}`));
    this.grid.append(...this.lines.map(chart => chart.node));
    this.node = h('div', { class: 'akid-company' }, h('header', {}, this.summary, this.engines, this.traces, this.trace), this.table.node, this.note, this.lanes.node, this.grid);
  }

  dispose(): void {
    this.lines.forEach(chart => chart.dispose());
  }

  resize(): void {
    this.lines.forEach(chart => chart.resize());
  }

  redraw(): void {
    this.lines.forEach(chart => chart.redraw());
  }

  escape(): boolean {
    const table = this.lines.find(chart => chart.hasTable);
    table?.toggleTable();
    return table !== undefined;
  }

  update(): void {
    const { ranks, run } = this.model;
    if (!ranks) {
      return;
    }
    if (this.state.axis === 'time' && this.host.isSeen) {
      this.model.followTimes();
    }
    const rows = table(ranks, this.model.series);
    const unwell = complaints(rows);
    write(this.summary, unwell.length ? `⚠ ${unwell.join(', ')}` : inShort(rows));
    this.summary.classList.toggle('akid-mark', unwell.length > 0);
    this.trace.hidden = !run.live || run.world_size < 2;
    const asked = this.model.pending.get('timeline');
    this.trace.classList.toggle('akid-busy', asked !== undefined && asked.state !== 'lost');
    this.updateTimelines();
    this.table.update(rows);
    const keys = rows.map(({ rank }) => String(rank));
    this.lines.forEach(chart => {
      chart.hold(keys, keys);
      chart.update();
    });
  }

  private get state(): IChartState {
    return { ...this.host.state, filter: this.filter, focus: this.focused };
  }

  /** A filter and a focus are of ranks alone; a zoom and a pin are those of all charts. */
  private change({ filter, focus, ...shared }: Partial<IChartState>): void {
    this.filter = filter ?? this.filter;
    if (focus !== undefined) {
      this.focused = focus;
      this.lines.forEach(chart => chart.focus());
    }
    if (filter !== undefined || Object.keys(shared).length) {
      this.host.change(shared);
    }
  }

  private updateTimelines(): void {
    this.known = this.model.events.filter(event => event.kind === 'timeline');
    this.traces.hidden = !this.known.length;
    const fresh = this.known.filter(event => !this.seen.has(event.id));
    if (fresh.length) {
      const isFirst = !this.seen.size && !this.model.run.live;
      fresh.forEach(event => this.seen.add(event.id));
      const options = this.known.map(event => h('option', { value: event.id }, `steps ${count(Number(event.data.first))} to ${count(Number(event.data.last))}`));
      this.traces.replaceChildren(h('option', { value: '' }, 'Show a timeline'), ...options);
      this.model.pending.delete('timeline');
      if (!isFirst) {
        this.traces.value = String(fresh.at(-1)!.id);
        void this.open();
      }
    }
  }

  private get picked(): IEvent | undefined {
    return this.known.find(event => String(event.id) === this.traces.value);
  }

  private async open(): Promise<void> {
    const event = this.picked;
    this.engines.hidden = typeof event?.data.engine !== 'string';
    this.lanes.node.hidden ||= !event;
    if (event) {
      await this.fetch(String(event.data.file), text => this.lanes.show(String(event.data.file), sentence(event)!.replace(' recorded', ''), text));
    }
  }

  private async keep(): Promise<void> {
    const name = String(this.picked?.data.engine);
    await this.fetch(name, text => download(name, text));
  }

  private async fetch(name: string, use: (text: string) => void): Promise<void> {
    try {
      const { text } = (await this.model.ask<{ text: string }>('timeline', { name })).content;
      write(this.note, '');
      use(text);
    } catch (error) {
      write(this.note, (error as Error).message);
    }
  }
}

/** How the ranks are, in a line. */
function inShort(ranks: IRank[]): string {
  const own = ranks.map(rank => rank.own).filter(time => time !== undefined);
  const waits = ranks.map(({ wait, stepTime }) => (wait !== undefined && stepTime ? wait / stepTime : null)).filter(share => share !== null);
  if (!own.length) {
    return '';
  }
  const percent = waits.length ? ` · ${Math.round(100 * Math.max(...waits))} % of it waiting, at most` : '';
  const step = Math.max(...ranks.map(({ stepTime = 0 }) => stepTime));
  return `a step takes ${ms(step)}${percent}`;
}
