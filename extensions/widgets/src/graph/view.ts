// A graph to look at and to walk through: drawn as SVG, folded and unfolded, searched, moved about, coloured.
// What is to be added or edited extends `GraphView`: see its hooks, `overlay`, `mark`, and the protected methods.

import { h, icon, write } from '../view/dom';
import { Camera } from './camera';
import { BY_KIND, byParameters, paint, type IColouring, type ILegend, type ITint } from './colours';
import { kindOf, sentenceOf, size, Tree, type IGraph, type INode } from './graph';
import { drawn, labelOf, layout, step, type Direction, type ILayout, type IPath, type IPlace } from './layout';
import { Panel } from './panel';
import { s } from './svg';

const ROOM = 60; // nodes that are shown from the start
const WAYS = {
  down: { ArrowDown: 'on', ArrowUp: 'back', ArrowLeft: 'before', ArrowRight: 'after' },
  right: { ArrowRight: 'on', ArrowLeft: 'back', ArrowUp: 'before', ArrowDown: 'after' }
} as const;

let views = 0;

export interface IGraphHooks {
  /** A node was chosen, or none is any more. */
  chosen?(node: INode | null): void;
  /** Enter or a double click on a node that is no system. */
  opened?(node: INode): void;
  /** What else the panel shows of a node. */
  about?(node: INode): (Node | null | Promise<Node | null>)[];
  /** Another colouring was asked for, by its name. */
  coloured?(name: string): void;
}

export class GraphView {
  readonly node: HTMLElement;
  /** Beside what is there from the start: buttons of those who extend it. */
  readonly tools = h('div', { class: 'akid-graph-tools' });
  /** Lies over all nodes, in their coordinates. */
  readonly overlay = s('g', { class: 'akid-graph-overlay' });
  readonly panel: Panel;
  protected readonly camera: Camera;
  protected readonly stage: HTMLElement;
  protected readonly key = `akid-graph-${++views}`;
  protected tree: Tree = new Tree({ name: '', kind: '', nodes: [], edges: [] });
  protected plan: ILayout = { width: 1, height: 1, places: [], paths: [] };
  protected direction: Direction = 'down';
  protected selected: string | null = null;
  protected open = new Set<string>();
  private readonly known = new Set<string>();
  private readonly elements = new Map<string, SVGGElement>();
  private readonly svg: SVGSVGElement;
  private readonly plane = s('g', {});
  private readonly boxes = s('g', {});
  private readonly lines = s('g', { class: 'akid-graph-lines' });
  private readonly nodes = s('g', {});
  private readonly search: HTMLInputElement;
  private readonly found = h('span', { class: 'akid-graph-found', role: 'status' });
  private readonly colours = h('select', { 'aria-label': 'Colour by', title: 'What the colours of blocks tell', change: () => this.choose(this.colours.value) });
  private readonly legend = h('div', { class: 'akid-graph-legend', role: 'img' });
  private readonly empty = h('p', { class: 'akid-note', hidden: true }, 'There are no blocks yet.');
  private colourings: IColouring[] = [];
  private colouring = BY_KIND.name;
  private tints = new Map<string, ITint>();
  private marks: ReadonlyMap<string, string> = new Map();
  private hits: string[] = [];
  private hit = -1;
  private rove: string | null = null;

  constructor(protected readonly hooks: IGraphHooks = {}, readable?: number) {
    this.panel = new Panel(id => this.reveal(id, true), node => hooks.about?.(node) ?? []);
    this.search = h('input', {
      type: 'search', class: 'akid-filter', placeholder: 'Find a block', spellcheck: 'false', 'aria-label': 'Find a block by its name or class',
      title: 'Words of a name, a path or a class. Enter goes to the next one, Shift+Enter to the one before.',
      input: () => this.look(), keydown: (event: KeyboardEvent) => this.searching(event)
    });
    const arrow = s('marker', { id: `${this.key}-arrow`, viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: 'userSpaceOnUse', orient: 'auto' }, s('path', { d: 'M0 0.8L8 4L0 7.2z' }));
    this.plane.append(this.boxes, this.lines, this.nodes, this.overlay);
    this.svg = s('svg', { role: 'group', 'aria-roledescription': 'block graph', focusable: 'false' }, s('defs', {}, arrow), this.plane);
    this.stage = h('div', { class: 'akid-graph-stage' }, this.empty);
    this.stage.append(this.svg);
    this.camera = new Camera(this.stage, () => this.moved(), readable);
    this.node = h(
      'div',
      { class: 'akid-graph', keydown: (event: KeyboardEvent) => this.onKey(event) },
      h('header', {}, this.search, this.button('‹', 'The one found before', () => this.next(-1)), this.button('›', 'The next one found', () => this.next(1)), this.found, this.tools, h('label', {}, h('span', {}, 'Colour'), this.colours), this.bar()),
      h('div', { class: 'akid-graph-body' }, this.stage, this.panel.node),
      this.legend
    );
    this.stage.addEventListener('click', event => event.target === this.svg && this.select(null));
    this.colourings = [BY_KIND];
  }

  dispose(): void {
    this.camera.dispose();
  }

  /** Show a graph: the first, or what became of it. */
  set(graph: IGraph): void {
    this.tree = new Tree(graph);
    for (const id of this.tree.open(ROOM)) {
      if (!this.known.has(id)) {
        this.open.add(id); // one that was folded by hand stays so
      }
    }
    this.tree.systems.forEach(({ id }) => this.known.add(id));
    this.empty.hidden = graph.nodes.some(node => node.role !== 'input');
    this.svg.setAttribute('aria-label', `The graph of ${graph.name}: ${graph.nodes.length} nodes. Arrow keys go along its edges, Enter folds a system.`);
    if (this.selected !== null && !this.tree.nodes.has(this.selected)) {
      this.selected = null;
    }
    this.draw();
    this.panel.forget();
    this.say();
  }

  /** By what nodes can be coloured, besides their class and their parameters. */
  colourBy(colourings: IColouring[]): void {
    this.colourings = colourings;
    this.tint();
    this.say();
  }

  /** Colour by this, as soon as it is known. */
  showColours(name: string): void {
    this.colouring = name;
    this.tint();
    this.say();
  }

  /** What is wrong with a node, by its id: it is marked, and says so. */
  mark(marks: ReadonlyMap<string, string>): void {
    this.marks = marks;
    this.elements.forEach((element, id) => this.marked(id, element));
  }

  select(id: string | null): void {
    if (id !== this.selected) {
      this.selected = id;
      this.rove = id ?? this.rove;
      this.highlight();
      this.say();
      this.hooks.chosen?.(id === null ? null : this.tree.nodes.get(id) ?? null);
    }
  }

  /** Choose a node and bring it into sight, opening what is around it. */
  reveal(id: string, focus = false): void {
    const around = this.tree.around(id).filter(system => !this.open.has(system));
    if (around.length) {
      around.forEach(system => this.open.add(system));
      this.draw();
    }
    this.select(id);
    const place = this.place(id);
    if (place) {
      this.camera.show(place.x, place.y, place.width, Math.min(place.height, 60));
    }
    if (focus) {
      this.elements.get(id)?.focus({ preventScroll: true });
    }
  }

  fold(id: string, open = !this.open.has(id)): void {
    const before = this.place(id);
    if (open) {
      this.open.add(id);
    } else {
      this.open.delete(id);
      if (this.selected !== null && this.tree.around(this.selected).includes(id)) {
        this.select(id);
      }
    }
    this.draw();
    const now = this.place(id);
    if (before && now) {
      this.camera.x += (before.x - now.x) * this.camera.k; // it stays under the pointer
      this.camera.y += (before.y - now.y) * this.camera.k;
      this.moved();
    }
    this.elements.get(id)?.focus({ preventScroll: true });
  }

  /** Where a node is drawn; nothing while it is folded away. */
  place(id: string): IPlace | undefined {
    return this.plan.places.find(place => place.node.id === id);
  }

  /** Let go of what is chosen; false if nothing is. */
  escape(): boolean {
    const had = this.selected !== null;
    this.select(null);
    return had;
  }

  get graph(): IGraph {
    return this.tree.graph;
  }

  /** A node was drawn: here it can be given more, in coordinates that begin at its upper left corner. */
  protected decorate(_place: IPlace, _element: SVGGElement): void {}

  /** An edge was drawn. */
  protected decorateEdge(_path: IPath, _element: SVGGElement): void {}

  /** All was drawn. */
  protected redrawn(): void {}

  /** A key that is none of the view's own; true if it was taken. */
  protected takeKey(_event: KeyboardEvent): boolean {
    return false;
  }

  protected draw(): void {
    const held = this.node.contains(document.activeElement) ? (document.activeElement as Element).getAttribute('data-node') : null;
    this.plan = layout(this.tree, this.open, this.direction);
    this.elements.clear();
    this.boxes.replaceChildren();
    this.nodes.replaceChildren();
    for (const place of this.plan.places) {
      const element = this.drawNode(place);
      this.elements.set(place.node.id, element);
      (place.open ? this.boxes : this.nodes).append(element);
      this.decorate(place, element);
    }
    this.lines.replaceChildren(...this.plan.paths.map(path => this.drawEdge(path)));
    this.camera.hold(this.plan);
    this.tint();
    this.highlight();
    this.mark(this.marks);
    this.redrawn();
    if (held !== null) {
      this.elements.get(held)?.focus({ preventScroll: true });
    }
  }

  protected drawNode(place: IPlace): SVGGElement {
    const { node, width, height, open } = place;
    const isSystem = node.role === 'system';
    const shown = node.role === 'input' ? fitting(node.name, width, 6.6) : fitting(node.name, width - (isSystem ? 34 : 20), 7.2);
    const about = [kindOf(node), size(node)].filter(part => part).join(' · ');
    const element = s(
      'g',
      {
        class: `akid-node akid-node-${node.role}${open ? ' akid-node-open' : ''}`, transform: `translate(${place.x} ${place.y})`, role: 'button', tabindex: -1,
        'data-node': node.id, 'data-lm-suppress-shortcuts': 'true', 'aria-label': sentenceOf(this.tree.graph, node), 'aria-expanded': isSystem ? String(open) : null,
        click: (event: MouseEvent) => this.clicked(event, node), dblclick: (event: MouseEvent) => this.enter(event, node), focus: () => this.focused(node.id)
      },
      s('title', {}, node.id === node.name ? node.name : node.id),
      isSystem && !open ? s('rect', { class: 'akid-node-behind', x: 4, y: 4, width, height, rx: 7 }) : null,
      s('rect', { class: 'akid-node-box', width, height, rx: node.role === 'input' ? 12 : node.role === 'loss' || node.role === 'evaluation' ? 18 : 7 }),
      node.role === 'input' || open ? null : s('rect', { class: 'akid-node-tint', x: 0, y: 8, width: 4, height: height - 16, rx: 2 })
    );
    if (node.role === 'input') {
      element.append(s('text', { class: 'akid-node-name', x: width / 2, y: 16, 'text-anchor': 'middle' }, shown));
    } else if (open) {
      element.append(s('text', { class: 'akid-node-name', x: 26, y: 18 }, shown), s('text', { class: 'akid-node-kind', x: 34 + shown.length * 7.2, y: 18 }, shown.length * 7.2 + 60 + about.length * 6.3 < width ? about : ''));
    } else {
      const x = isSystem ? 26 : 13;
      element.append(s('text', { class: 'akid-node-name', x, y: 18 }, shown), s('text', { class: 'akid-node-kind', x: 13, y: 33 }, fitting(about, width - 18, 6.1)));
    }
    if (isSystem) {
      element.append(
        s('g', { class: 'akid-node-fold', transform: open ? 'translate(14 14) rotate(90)' : 'translate(15 14)', click: (event: MouseEvent) => this.toggle(event, node.id) }, s('rect', { x: -9, y: -9, width: 18, height: 18 }), s('path', { d: 'M-2.5 -4.5L3 0L-2.5 4.5' }))
      );
    }
    return element;
  }

  protected drawEdge(path: IPath): SVGGElement {
    const [edge] = path.edges;
    const label = labelOf(path.edges);
    const element = s(
      'g',
      { class: `akid-edge${path.back ? ' akid-edge-back' : ''}`, 'data-source': edge.source, 'data-target': edge.target },
      s('path', { d: drawn(path), 'marker-end': `url(#${this.key}-arrow)` }),
      label ? s('text', { x: path.label[0], y: path.label[1] + 3.5, 'text-anchor': 'middle' }, label) : null
    );
    this.decorateEdge(path, element);
    return element;
  }

  private clicked(event: MouseEvent, node: INode): void {
    event.stopPropagation();
    this.select(node.id);
    this.elements.get(node.id)?.focus({ preventScroll: true });
  }

  private enter(event: Event, node: INode): void {
    event.stopPropagation();
    event.preventDefault();
    if (this.tree.of(node.id).length) {
      this.fold(node.id);
    } else {
      this.select(node.id);
      this.hooks.opened?.(node);
    }
  }

  private toggle(event: MouseEvent, id: string): void {
    event.stopPropagation();
    this.fold(id);
  }

  private focused(id: string): void {
    this.rove = id;
    this.elements.forEach((element, one) => element.setAttribute('tabindex', one === id ? '0' : '-1'));
  }

  private moved(): void {
    this.plane.setAttribute('transform', this.camera.transform);
    this.stage.classList.toggle('akid-far', this.camera.k < 0.45);
  }

  private tint(): void {
    const all = [BY_KIND, byParameters(this.tree.graph), ...this.colourings.filter(one => one !== BY_KIND)];
    if (this.colours.options.length !== all.length || all.some((one, at) => this.colours.options[at].value !== one.name)) {
      this.colours.replaceChildren(...all.map(({ name }) => h('option', { value: name, selected: name === this.colouring }, name)));
      this.colours.value = this.colouring; // what is not measured yet is not in the list
    }
    const { tints, legend } = paint(this.tree.graph, all.find(({ name }) => name === this.colouring) ?? BY_KIND);
    this.tints = tints;
    this.elements.forEach((element, id) => {
      const tint = tints.get(id);
      const style = tint ? `--akid-tint:${tint.colour};--akid-share:${(100 * tint.share).toFixed(0)}%` : '';
      if ((element.getAttribute('style') ?? '') !== style) {
        element.setAttribute('style', style);
      }
    });
    this.explain(legend);
  }

  private explain({ classes, scale, lacking }: ILegend): void {
    const key = JSON.stringify([classes, scale, lacking]);
    if (this.legend.dataset.shown === key) {
      return;
    }
    this.legend.dataset.shown = key;
    const said = scale ? `${this.colouring}: from ${scale.low} to ${scale.high}` : classes.length ? `Colours of classes: ${classes.map(({ name }) => name).join(', ')}` : lacking;
    this.legend.setAttribute('aria-label', said);
    this.legend.replaceChildren(
      ...classes.map(({ name, colour }) => h('span', { class: 'akid-graph-class' }, h('i', { style: `background:${colour}` }), name)),
      ...(scale ? [h('span', {}, scale.low), h('i', { class: 'akid-graph-scale' }), h('span', {}, scale.high)] : []),
      lacking && !classes.length && !scale ? lacking : ''
    );
  }

  private choose(name: string): void {
    this.colouring = name;
    this.tint();
    this.say();
    this.hooks.coloured?.(name);
  }

  private highlight(): void {
    const id = this.selected;
    this.elements.forEach((element, one) => {
      element.classList.toggle('akid-chosen', one === id);
      element.classList.toggle('akid-hit', this.hits.includes(one));
      element.setAttribute('aria-pressed', String(one === id));
    });
    for (const line of this.lines.children) {
      const { source, target } = (line as SVGElement).dataset;
      line.classList.toggle('akid-chosen', id !== null && (source === id || target === id));
    }
    const rove = this.rove !== null && this.elements.has(this.rove) ? this.rove : this.plan.places[0]?.node.id;
    if (rove !== undefined) {
      this.focused(rove);
    }
  }

  private say(): void {
    const node = this.selected === null ? null : this.tree.nodes.get(this.selected) ?? null;
    const says = node && this.tints.get(node.id)?.says;
    this.panel.show(this.tree, node, says ? `${this.colouring} ${says}` : '');
  }

  private marked(id: string, element: SVGGElement): void {
    const wrong = this.marks.get(id) ?? [...this.marks].find(([one]) => !this.elements.has(one) && one.startsWith(`${id}.`))?.[1];
    element.querySelector(':scope > .akid-node-wrong')?.remove();
    element.classList.toggle('akid-wrong', wrong !== undefined);
    if (wrong !== undefined) {
      const width = this.place(id)?.width ?? 0;
      element.append(s('g', { class: 'akid-node-wrong', transform: `translate(${width - 4} 4)` }, s('title', {}, wrong), s('circle', { r: 8 }), s('text', { y: 4, 'text-anchor': 'middle' }, '!')));
    }
  }

  private look(): void {
    this.hits = this.tree.find(this.search.value);
    this.hit = -1;
    this.highlight();
    write(this.found, this.search.value.trim() ? (this.hits.length ? `${this.hits.length} found` : 'none') : '');
  }

  private next(way: 1 | -1): void {
    if (this.hits.length) {
      this.hit = (this.hit + way + this.hits.length + (this.hit < 0 && way < 0 ? 1 : 0)) % this.hits.length;
      this.reveal(this.hits[this.hit]);
      write(this.found, `${this.hit + 1} of ${this.hits.length}`);
    }
  }

  private searching(event: KeyboardEvent): void {
    if (event.key === 'Enter') {
      this.next(event.shiftKey ? -1 : 1);
      event.preventDefault();
    } else if (event.key === 'Escape') {
      this.search.value = '';
      this.look();
      this.elements.get(this.rove ?? '')?.focus({ preventScroll: true });
      event.preventDefault();
    }
    event.stopPropagation();
  }

  private onKey(event: KeyboardEvent): void {
    const target = event.target as Element;
    const on = target.getAttribute('data-node');
    if (event.defaultPrevented || target.matches('input, select, textarea') || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (this.takeKey(event) || this.pressed(event.key, on)) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  private pressed(key: string, on: string | null): boolean {
    if (key === '/') {
      this.search.focus();
      this.search.select();
    } else if (key === '+' || key === '=') {
      this.camera.zoom(1.25);
    } else if (key === '-') {
      this.camera.zoom(0.8);
    } else if (key === '0') {
      this.camera.refit();
    } else if (key === 'Escape' && this.selected !== null) {
      this.select(null);
    } else if (on !== null && (key === 'Enter' || key === ' ')) {
      this.enter(new Event('key'), this.tree.nodes.get(on)!);
    } else if (on !== null && (key === 'Home' || key === 'End')) {
      this.reveal((key === 'Home' ? this.tree.of(null)[0] : this.tree.of(null).at(-1)!).id, true);
    } else if (on !== null && key in WAYS[this.direction]) {
      const ways: { [key: string]: 'on' | 'back' | 'before' | 'after' } = WAYS[this.direction];
      const to = step(this.plan, this.tree, on, ways[key], this.direction);
      if (to !== null) {
        this.reveal(to, true);
      }
    } else {
      return false;
    }
    return true;
  }

  private bar(): HTMLElement {
    const turn = this.button('⇄', 'Lay it out from left to right, or downwards', () => {
      this.direction = this.direction === 'down' ? 'right' : 'down';
      this.draw();
      this.camera.fit();
    });
    const all = this.button('', 'Unfold all systems, or fold them', () => {
      const systems = this.tree.systems.map(({ id }) => id);
      const open = systems.some(id => !this.open.has(id));
      systems.forEach(id => (open ? this.open.add(id) : this.open.delete(id)));
      this.draw();
      this.camera.fit();
    });
    all.append(icon('unfold'));
    return h('div', { class: 'akid-graph-bar', role: 'group', 'aria-label': 'View' }, all, turn, this.button('−', 'Smaller (−)', () => this.camera.zoom(0.8)), this.button('+', 'Larger (+); Ctrl and the wheel, too', () => this.camera.zoom(1.25)), this.button('Fit', 'Fit it in (0); once more: all of it', () => this.camera.refit()));
  }

  protected button(text: string, title: string, click: () => void): HTMLButtonElement {
    return h('button', { type: 'button', class: 'akid-button akid-graph-button', title, 'aria-label': title, click }, text);
  }
}

function fitting(text: string, width: number, letter: number): string {
  const most = Math.max(3, Math.floor(width / letter));
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
