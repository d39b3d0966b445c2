// A builder: the palette, the graph to work on, what can be set of a block, and the code.

import { insertBelow } from '../cells';
import { isDark, themeChanged, watchTheme } from '../theme';
import type { IEdge, INode } from '../graph/graph';
import { h, prose, write } from '../view/dom';
import type { IView } from '../kinds';
import { Canvas } from './canvas';
import { Code } from './code';
import { Inspector } from './inspector';
import { Palette } from './palette';
import { shapesOf, shapesTold, stands, type IKind } from './state';
import type { BuilderWidget } from './widget';

export class BuilderView implements IView {
  readonly node: HTMLElement;
  private readonly canvas: Canvas;
  private readonly palette: Palette;
  private readonly inspector: Inspector;
  private readonly code: Code;
  private readonly status = h('p', { class: 'akid-builder-status', role: 'status' });
  private readonly shapes = h('input', {
    type: 'text', spellcheck: 'false', placeholder: 'such as 1×28×28, label', 'aria-label': 'Shapes of what goes in',
    title: 'The shape of one sample of each value that goes in, such as 1×28×28, label', change: () => this.feed()
  });
  private readonly undo = this.tool('Undo', 'Ctrl+Z', () => this.act('undo'));
  private readonly redo = this.tool('Redo', 'Ctrl+Shift+Z', () => this.act('redo'));
  private readonly lead: HTMLElement;
  private readonly target: HTMLInputElement;
  private readonly targets = h('datalist', {});
  private source: string | null = null;
  private problem = '';
  private readonly ends: (() => void)[];

  constructor(private readonly widget: BuilderWidget) {
    this.canvas = new Canvas({
      chosen: node => this.chose(node),
      opened: () => this.inspector.wants() || this.inspector.rename(),
      connect: (source, target, output) => void this.act('connect', { source, target, output }),
      disconnect: edges => void this.cut(edges),
      remove: id => void this.remove(id),
      lead: source => this.ask(source),
      go: where => (where === 'palette' ? this.palette.focus() : this.inspector.rename())
    });
    this.palette = new Palette({ add: kind => void this.add(kind, this.place()), over: event => this.canvas.aim(this.canvas.under(event) ?? null), drop: (kind, event) => this.drop(kind, event) });
    this.inspector = new Inspector(widget, {
      lead: source => this.ask(source), cut: edge => void this.cut([edge]), remove: id => void this.remove(id),
      rename: (path, name) => void this.rename(path, name), choose: id => this.canvas.reveal(id, true)
    });
    this.code = new Code(code => insertBelow(widget.line.manager, widget.line.key, code));
    this.target = h('input', { type: 'text', spellcheck: 'false', 'aria-label': 'The block that is to read it', keydown: (event: KeyboardEvent) => this.leading(event), blur: () => this.unask() });
    this.targets.id = `akid-targets-${Math.random().toString(36).slice(2)}`;
    this.target.setAttribute('list', this.targets.id);
    this.lead = h('div', { class: 'akid-lead', hidden: true }, h('span', {}), this.target, this.targets);
    this.canvas.tools.append(this.undo, this.redo);
    this.canvas.panel.node.replaceWith(this.inspector.node);
    this.node = h(
      'div',
      { class: 'akid-dash akid-builder', role: 'region', 'aria-label': 'Builder of a brain', 'data-lm-suppress-shortcuts': 'true', keydown: (event: KeyboardEvent) => this.onKey(event) },
      h('div', { class: 'akid-builder-head' }, h('label', {}, h('span', {}, 'What goes in'), this.shapes), this.status),
      this.lead,
      h('div', { class: 'akid-builder-body' }, this.palette.node, this.canvas.node, this.code.node)
    );
    watchTheme();
    const dark = () => this.node.classList.toggle('akid-dark', isDark());
    this.ends = [themeChanged.connect(dark), widget.told.connect(() => this.update()), widget.failed.connect(text => this.fail(text))];
    dark();
    this.update();
    if (widget.chosen !== null) {
      this.canvas.reveal(widget.chosen);
    }
  }

  dispose(): void {
    this.ends.forEach(end => end());
    this.inspector.dispose();
    this.canvas.dispose();
  }

  // -- what is shown

  private update(): void {
    const { state, kinds } = this.widget;
    this.node.classList.toggle('akid-waiting', state === null);
    if (!state) {
      write(this.status, 'Asking the kernel …');
      return;
    }
    const wrong = Object.entries(state.errors);
    this.palette.set(kinds);
    this.canvas.set(state.graph);
    this.canvas.mark(new Map(wrong));
    this.code.set(state.code, state.silent, wrong.length > 0);
    this.undo.toggleAttribute('disabled', !state.undo);
    this.redo.toggleAttribute('disabled', !state.redo);
    if (document.activeElement !== this.shapes) {
      this.shapes.value = shapesTold(state.shapes);
    }
    this.shapes.disabled = state.settled;
    this.inspect();
    this.say();
  }

  private inspect(ready?: () => void): void {
    const { state, chosen } = this.widget;
    if (state) {
      const node = state.graph.nodes.find(({ id }) => id === chosen) ?? null;
      this.inspector.show(state.graph, node, node ? state.errors[node.id] ?? '' : '', ready);
    }
  }

  private say(): void {
    const { state } = this.widget;
    const wrong = Object.entries(state?.errors ?? {});
    this.status.classList.toggle('akid-bad', this.problem !== '' || wrong.length > 0);
    if (this.problem) {
      this.status.replaceChildren(...prose(this.problem));
    } else if (wrong.length) {
      const first = ([id, text]: [string, string]) => (id ? h('button', { type: 'button', class: 'akid-link', title: text, click: () => this.canvas.reveal(id, true) }, id) : text);
      this.status.replaceChildren('Not right yet: ', ...wrong.slice(0, 4).flatMap((one, at) => [at ? ', ' : '', first(one)]), wrong.length > 4 ? ' …' : '', '. The brain is as it was.');
    } else {
      this.status.replaceChildren(...prose(state ? stands(state) : ''));
    }
  }

  private fail(problem: string): void {
    this.problem = problem;
    this.say();
  }

  // -- what is done

  private act(act: string, args: object = {}): Promise<string[] | null> {
    return this.widget.do(act, args).then(fresh => {
      if (fresh?.length && act !== 'undo' && act !== 'redo') {
        this.canvas.showAll();
        this.canvas.reveal(fresh[0]);
      }
      return fresh;
    });
  }

  /** Behind which block a new one goes. */
  private place(): string | undefined {
    const { chosen, state } = this.widget;
    return chosen !== null && state?.graph.nodes.some(({ id }) => id === chosen) && !chosen.includes('_constant') ? chosen : undefined;
  }

  private async add(kind: IKind, after?: string): Promise<void> {
    const fresh = await this.act('add', { kind_name: kind.name, ...(after === undefined ? {} : { after }) });
    if (fresh?.length) {
      this.inspect(() => this.inspector.wants());
    }
  }

  private drop(kind: IKind, event: PointerEvent): void {
    this.canvas.aim(null);
    const on = this.canvas.under(event);
    if (on !== undefined) {
      void this.add(kind, on ?? undefined);
    }
  }

  private async remove(id: string): Promise<void> {
    const before = this.widget.state?.graph.edges.find(edge => edge.target === id)?.source;
    if ((await this.act('remove', { path: id })) && before) {
      this.canvas.reveal(before, true);
    }
  }

  /** The form is made anew for the new name: keys go on where the block is. */
  private async rename(path: string, name: string): Promise<void> {
    const fresh = await this.act('rename', { path, name });
    if (fresh?.[0] && document.activeElement === document.body) {
      this.canvas.focus(fresh[0]);
    }
  }

  private async cut(edges: IEdge[]): Promise<void> {
    for (const { source, target, output } of edges) {
      await this.act('disconnect', { source, target, output });
    }
  }

  private feed(): void {
    const text = this.shapes.value.trim();
    const shapes = text ? shapesOf(text) : null;
    if (text && !shapes) {
      this.fail('Shapes are written as 1×28×28, with a comma before the next value; a label is `label`.');
    } else {
      void this.act('feed', { shapes });
    }
  }

  private chose(node: INode | null): void {
    this.widget.chosen = node?.id ?? null;
    this.inspect();
  }

  // -- leading a wire by keyboard

  private ask(source: string): void {
    const { state } = this.widget;
    const node = state?.graph.nodes.find(({ id }) => id === source);
    if (!state || !node) {
      return;
    }
    this.source = source;
    const others = state.graph.nodes.filter(one => one.parent === node.parent && one.role !== 'input');
    this.targets.replaceChildren(...others.map(({ name }) => h('option', { value: name })));
    this.lead.firstElementChild!.replaceChildren(...prose(`Lead \`${node.name}\` to`));
    this.target.value = '';
    this.target.placeholder = (node.shape?.length ?? 1) > 1 ? 'a block; block 1 for the second output' : 'a block';
    this.lead.hidden = false;
    this.target.focus();
  }

  private unask(): void {
    this.lead.hidden = true;
    this.source = null;
  }

  private leading(event: KeyboardEvent): void {
    if (event.key !== 'Enter' && event.key !== 'Escape') {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    const { source } = this;
    const [name, output] = this.target.value.trim().split(/\s+/);
    this.unask();
    if (source !== null) {
      this.canvas.focus(source);
      if (event.key === 'Enter' && name) {
        const around = source.includes('.') ? source.slice(0, source.lastIndexOf('.') + 1) : '';
        void this.act('connect', { source, target: around + name, output: Number(output ?? 0) || 0 });
      }
    }
  }

  private onKey(event: KeyboardEvent): void {
    event.stopPropagation();
    const key = event.key.toLowerCase();
    const isTyping = event.target instanceof HTMLInputElement && event.target.dataset.sent !== event.target.value && event.target.value !== '';
    if ((event.ctrlKey || event.metaKey) && !event.altKey && (key === 'z' || key === 'y') && !isTyping) {
      event.preventDefault();
      const act = key === 'y' || event.shiftKey ? 'redo' : 'undo';
      const { state } = this.widget;
      if (state && (act === 'undo' ? state.undo : state.redo)) {
        void this.act(act);
      }
    }
  }

  private tool(text: string, key: string, click: () => void): HTMLElement {
    return h('button', { type: 'button', class: 'akid-button akid-graph-button', title: `${text} (${key})`, click }, text);
  }
}
