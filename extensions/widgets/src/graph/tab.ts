// The tab of the graph: how the brain of a run is built, coloured by what is measured of its blocks.

import { title, value } from '../format';
import { group, RANKS } from '../groups';
import type { DashboardModel } from '../model';
import { h, write } from '../view/dom';
import type { ITab, ITabHost } from '../view/tabs';
import type { IColouring } from './colours';
import type { IGraph, INode } from './graph';
import { GraphView } from './view';

const PACE = 1000; // ms between two questions, at least
const TIME = 'time_per_block_ms'; // the topic of what a profile tells
const SPREAD = ', spread';
const SEEN = [['Distributions', 'distributions'], ['Filters', 'filters'], ['Feature maps', 'maps']]; // tabs, and when they are there

interface ITold {
  graph: IGraph | null;
  version: number;
  values: { [key: string]: number | null };
}

export class GraphTab implements ITab {
  private readonly note = h('p', { class: 'akid-note', role: 'status' }, 'Asking for the graph …');
  private readonly view: GraphView;
  private readonly time = h('button', { type: 'button', class: 'akid-button akid-graph-button', title: 'Measure how long each block takes in a forward pass', click: () => this.measureTime() }, 'Time');
  readonly node: HTMLElement;
  readonly keys: [string, string][] = [
    ['← ↑ → ↓', 'Go along the edges of the graph'],
    ['Enter', 'Fold or unfold a system'],
    ['/', 'Find a block'],
    ['+ − 0', 'Larger, smaller, all of it']
  ];
  private version = 0;
  private askedAt = -Infinity;
  private colouredAt = -Infinity;
  private asking = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private colouring = '';
  private spreads = new Map<string, number>();
  private state = '';
  private cells: { tag: string; cell: HTMLElement }[] = [];
  private gone = false;

  constructor(
    private readonly model: DashboardModel,
    private readonly host: ITabHost
  ) {
    this.view = new GraphView({ coloured: name => this.colour(name), about: node => this.about(node) });
    this.view.node.hidden = true;
    this.view.tools.append(this.time);
    this.node = h('div', { class: 'akid-graph-tab' }, this.note, this.view.node);
  }

  dispose(): void {
    this.gone = true;
    clearTimeout(this.timer);
    this.view.dispose();
  }

  pause(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  escape(): boolean {
    return this.view.escape();
  }

  update(): void {
    this.time.hidden = !this.model.run.live;
    const asked = this.model.pending.get('profile');
    this.time.classList.toggle('akid-busy', asked !== undefined && asked.state !== 'lost');
    const now = performance.now();
    if (this.version && (now >= this.colouredAt + PACE || !this.model.run.live)) {
      this.colouredAt = now;
      this.view.colourBy(this.colourings());
      this.measure();
    }
    this.pull();
  }

  /** Fetch what is new, once a second at most, and only if something happened since. */
  private pull(): void {
    const state = `${this.model.run.status} ${this.model.events.length} ${this.colouring.endsWith(SPREAD) ? `${this.colouring} ${this.model.run.step}` : ''}`;
    const isWaiting = !this.version && this.model.run.live;
    if (this.asking || this.timer !== undefined || (state === this.state && !isWaiting) || !this.host.isSeen) {
      return;
    }
    const wait = this.askedAt + PACE - performance.now();
    if (wait > 0) {
      this.timer = setTimeout(() => {
        this.timer = undefined;
        this.pull();
      }, wait);
      return;
    }
    this.askedAt = performance.now();
    this.asking = true;
    void this.ask(state);
  }

  private async ask(state: string): Promise<void> {
    const topic = this.topicOf(this.colouring);
    try {
      const { content } = await this.model.ask<ITold>('graph', { known: this.version || null, spread: topic });
      if (!this.gone) {
        this.state = state;
        this.take(content, topic);
      }
    } catch (error) {
      if (!this.version) {
        write(this.note, (error as Error).message);
      }
      this.state = ''; // to be asked again
    } finally {
      this.asking = false;
    }
  }

  private take({ graph, version, values }: ITold, topic: string | null): void {
    if (graph) {
      this.version = version;
      this.view.set(graph);
    }
    if (topic !== null) {
      this.spreads = this.byNode(Object.entries(values).map(([key, number]) => [key, number ?? NaN]));
    }
    const known = this.version !== 0;
    write(this.note, known ? '' : 'The graph is told when the run begins to train.');
    this.view.node.hidden = !known;
    if (known) {
      this.view.colourBy(this.colourings());
    }
  }

  private measureTime(): void {
    this.model.act('profile');
    this.view.showColours(title(TIME));
  }

  private colour(name: string): void {
    this.colouring = name;
    this.spreads = new Map();
    this.view.colourBy(this.colourings());
    this.pull();
  }

  /** One for each topic whose lines are blocks, and for each whose distributions are. */
  private colourings(): IColouring[] {
    const found: IColouring[] = [];
    for (const [topic, keys] of group(this.model.series.keys())) {
      const values = topic === RANKS ? new Map<string, number>() : this.byNode(keys.map(key => [key, this.model.series.get(`${topic}/${key}`)?.last ?? NaN]));
      if (values.size) {
        found.push({ name: title(topic), values, read: value, logarithmic: true });
      }
    }
    if (this.model.has.has('distributions')) {
      for (const topic of ['activations', 'weights', 'weight_gradients', 'weight_updates']) {
        const name = `${title(topic)}${SPREAD}`;
        const values = name === this.colouring ? this.spreads : new Map<string, number>();
        found.push({ name, values, read: value, logarithmic: true, lacking: 'Nothing of this was observed.' });
      }
    }
    return found;
  }

  private topicOf(name: string): string | null {
    return name.endsWith(SPREAD) ? name.slice(0, -SPREAD.length).toLowerCase().replaceAll(' ', '_') : null;
  }

  /** Metrics write `unit/conv1` and `conv1.weight`, the graph `unit.conv1`. */
  private byNode(lines: [key: string, number: number][]): Map<string, number> {
    const known = new Set(this.view.graph.nodes.map(node => node.id));
    const found = new Map<string, number>();
    for (const [key, number] of lines) {
      const id = key.replaceAll('/', '.');
      if (known.has(id)) {
        found.set(id, number);
      }
    }
    return found;
  }

  private about(node: INode): (Node | null)[] {
    const key = node.id.replaceAll('.', '/');
    this.cells = [...group(this.model.series.keys())].filter(([topic, keys]) => topic !== RANKS && keys.includes(key)).map(([topic]) => ({ tag: `${topic}/${key}`, cell: h('td') }));
    this.measure();
    const rows = this.cells.map(({ tag, cell }) => h('tr', {}, h('td', {}, title(tag.split('/')[0])), cell));
    const links = node.role === 'input' ? [] : SEEN.filter(([, part]) => this.model.has.has(part)).map(([tab]) => h('button', { type: 'button', class: 'akid-link', click: () => this.host.show(tab, key) }, `Its ${tab.toLowerCase()}`));
    return [
      rows.length ? h('h4', {}, 'Measured now') : null,
      rows.length ? h('table', {}, h('tbody', {}, ...rows)) : null,
      links.length ? h('p', { class: 'akid-graph-links' }, ...links) : null
    ];
  }

  /** Write what was measured last of the block that is shown. */
  private measure(): void {
    this.cells.forEach(({ tag, cell }) => write(cell, value(this.model.series.get(tag)?.last)));
  }
}
