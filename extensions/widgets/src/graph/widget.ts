// The widget that shows how a brain of the kernel is built.

import { count, value } from '../format';
import type { IView, IWidget } from '../kinds';
import type { Line } from '../line';
import { Signal } from '../signal';
import { isDark, themeChanged, watchTheme } from '../theme';
import { h } from '../view/dom';
import type { IColouring } from './colours';
import type { IGraph, INode, Sizes } from './graph';
import { GraphView } from './view';

const PATIENCE = 20_000; // ms for a measure: a large brain takes a while

interface ITensor {
  name: string;
  shape: Sizes;
  kind: string;
  device: string;
  trainable: boolean;
  mean?: number | null;
  deviation?: number | null;
  least?: number | null;
  greatest?: number | null;
  gradient?: number | null;
}

/** What the kernel knows of a graph, asked for once for all views. */
export class GraphWidget implements IWidget {
  readonly changed = new Signal();
  graph: IGraph | null = null;
  measures: string[] = [];
  private readonly end: () => void;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly line: Line) {
    this.end = line.heard.connect(({ content }) => {
      if (content.kind === 'changed') {
        void this.ask();
      }
    });
    void this.ask();
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.end();
  }

  view(): IView {
    return new Shown(this);
  }

  /** Ask until the kernel, which may be busy, answers; before that, the picture stays where it is. */
  async ask(pause = 2000): Promise<void> {
    clearTimeout(this.timer);
    try {
      const { content } = await this.line.ask<{ graph: IGraph; measures: string[] }>('graph');
      this.graph = content.graph;
      this.measures = content.measures;
      this.changed.emit();
    } catch {
      this.timer = setTimeout(() => void this.ask(Math.min(2 * pause, 30_000)), pause);
    }
  }

  async values(by: string): Promise<Map<string, number>> {
    const { content } = await this.line.ask<{ values: { [id: string]: number | null } }>('values', { by }, PATIENCE);
    return new Map(Object.entries(content.values).map(([id, number]) => [id, number ?? NaN]));
  }
}

class Shown implements IView {
  private readonly note = h('p', { class: 'akid-note', role: 'status' }, 'Asking the kernel …');
  private readonly view: GraphView;
  readonly node: HTMLElement;
  private readonly ends: (() => void)[];
  private readonly values = new Map<string, ReadonlyMap<string, number>>();
  private lacking = '';
  private by = '';

  constructor(private readonly widget: GraphWidget) {
    this.view = new GraphView({ coloured: by => void this.measure(by), about: node => [this.about(node)] });
    this.view.tools.append(h('button', { type: 'button', class: 'akid-button akid-graph-button', title: 'Show the brain as it is now', 'aria-label': 'Show the brain as it is now', click: () => void this.refresh() }, '↻'));
    this.node = h('div', { class: 'akid-dash akid-graph-widget', role: 'region', 'aria-label': 'Graph of a brain', keydown: (event: KeyboardEvent) => event.stopPropagation() }, this.note, this.view.node);
    watchTheme();
    const dark = () => this.node.classList.toggle('akid-dark', isDark());
    this.ends = [themeChanged.connect(dark), widget.changed.connect(() => this.update())];
    dark();
    this.update();
  }

  dispose(): void {
    this.ends.forEach(end => end());
    this.view.dispose();
  }

  private async refresh(): Promise<void> {
    await this.widget.ask();
    await this.measure(this.by);
  }

  private update(): void {
    const { graph } = this.widget;
    this.note.hidden = graph !== null;
    this.view.node.hidden = graph === null;
    if (graph) {
      this.view.set(graph);
      this.view.colourBy(this.colourings());
    }
  }

  private async measure(by: string): Promise<void> {
    this.by = by;
    if (!this.widget.measures.includes(by)) {
      return;
    }
    this.lacking = 'Measuring …';
    this.view.colourBy(this.colourings());
    try {
      this.values.set(by, await this.widget.values(by));
      this.lacking = 'Nothing to measure yet: no pass was made.';
    } catch (error) {
      this.lacking = (error as Error).message;
    }
    this.view.colourBy(this.colourings());
  }

  private colourings(): IColouring[] {
    const unit = (name: string) => (name.startsWith('time') ? ' ms' : '');
    return this.widget.measures.map(name => ({
      name, values: this.values.get(name) ?? new Map<string, number>(), read: (number: number) => value(number) + unit(name), lacking: this.lacking, logarithmic: name !== 'activation sparsity'
    }));
  }

  private async about(node: INode): Promise<Node | null> {
    if (node.role === 'input') {
      return null;
    }
    try {
      const { content } = await this.widget.line.ask<{ parameters: ITensor[]; emits: ITensor[] }>('block', { id: node.id });
      const tables = [table('Parameters now', content.parameters), table('Emitted last', content.emits)].filter(part => part !== null);
      return tables.length ? h('div', {}, ...tables) : null;
    } catch (error) {
      return h('p', { class: 'akid-note' }, (error as Error).message);
    }
  }
}

const MANY = 40; // parameters of a block that are told

function table(head: string, tensors: ITensor[]): HTMLElement | null {
  if (!tensors.length) {
    return null;
  }
  const rows = tensors.slice(0, MANY).map(tensor =>
    h('tr', { title: tensor.least == null ? '' : `from ${value(tensor.least)} to ${value(tensor.greatest)}${tensor.gradient == null ? '' : `, gradient norm ${value(tensor.gradient)}`}` }, h('td', {}, tensor.name || tensor.kind), h('td', {}, tensor.shape.join('×') || 'scalar'), h('td', {}, tensor.mean == null ? '–' : `${value(tensor.mean)} ± ${value(tensor.deviation)}`))
  );
  const left = tensors.length - rows.length;
  return h('div', {}, h('h4', {}, head), h('table', {}, h('thead', {}, h('tr', {}, h('th', {}, 'name'), h('th', {}, 'shape'), h('th', {}, 'mean ± deviation'))), h('tbody', {}, ...rows)), left > 0 ? h('p', { class: 'akid-note' }, `and ${count(left)} more`) : null);
}
