// The widget that shows the graph of a brain of the kernel.

import type { IView, IWidget } from '../kinds';
import type { Line } from '../line';
import { Signal } from '../signal';
import { isDark, themeChanged, watchTheme } from '../theme';
import { h } from '../view/dom';
import type { IGraph } from './graph';
import { GraphView } from './view';

/** What the kernel knows of a graph, asked for once for all views. */
export class GraphWidget implements IWidget {
  readonly changed = new Signal();
  readonly told = new Signal();
  graph: IGraph | null = null;
  private readonly end: () => void;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly line: Line) {
    this.end = line.heard.connect(({ content }) => {
      this.changed.emit();
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
  private async ask(pause = 2000): Promise<void> {
    clearTimeout(this.timer);
    try {
      this.graph = (await this.line.ask<IGraph>('graph')).content;
      this.changed.emit();
      this.told.emit();
    } catch {
      this.timer = setTimeout(() => void this.ask(Math.min(2 * pause, 30_000)), pause);
    }
  }
}

class Shown implements IView {
  private readonly note = h('p', { class: 'akid-note', role: 'status' }, 'Asking the kernel …');
  private readonly graph: GraphView;
  readonly node: HTMLElement;
  private readonly ends: (() => void)[];

  constructor(private readonly widget: GraphWidget) {
    this.graph = new GraphView({});
    this.node = h('div', { class: 'akid-dash akid-graph-widget', role: 'region', 'aria-label': 'Graph of a brain', keydown: (event: KeyboardEvent) => event.stopPropagation() }, this.note, this.graph.node);
    watchTheme();
    const dark = () => this.node.classList.toggle('akid-dark', isDark());
    this.ends = [themeChanged.connect(dark), widget.told.connect(() => this.update())];
    dark();
    this.update();
  }

  dispose(): void {
    this.ends.forEach(end => end());
    this.graph.dispose();
  }

  private update(): void {
    const { graph } = this.widget;
    this.note.hidden = graph !== null;
    this.graph.node.hidden = graph === null;
    if (graph) {
      this.graph.set(graph);
    }
  }
}
