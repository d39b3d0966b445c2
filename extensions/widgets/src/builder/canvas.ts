// The graph as something to work on: ports to draw wires from, wires to cut, keys.

import { told, type IEdge, type INode } from '../graph/graph';
import type { IPath, IPlace } from '../graph/layout';
import { s } from '../graph/svg';
import { GraphView, type IGraphHooks } from '../graph/view';

export interface ICanvasHooks extends IGraphHooks {
  connect(source: string, target: string, output: number): void;
  disconnect(edges: IEdge[]): void;
  remove(id: string): void;
  /** Ask to where a wire leads. */
  lead(source: string): void;
  /** Go where blocks are chosen, or where the name is. */
  go(where: 'palette' | 'name'): void;
}

const PORT = 5; // its radius
const READABLE = 0.62; // the scale down to which all is shown, since wires are drawn only to what is seen

export class Canvas extends GraphView {
  private cut: IEdge[] | null = null;

  constructor(protected override readonly hooks: ICanvasHooks) {
    super(hooks, READABLE);
  }

  /** The block that lies at a place of the page, to drop something on. */
  under({ clientX, clientY }: { clientX: number; clientY: number }): string | null | undefined {
    const element = document.elementFromPoint(clientX, clientY);
    if (!element || !this.stage.contains(element)) {
      return undefined;
    }
    return element.closest('[data-node]')?.getAttribute('data-node') ?? null;
  }

  /** See all of it, or as much as can be read. */
  showAll(): void {
    this.camera.fit();
  }

  focus(id: string): void {
    this.node.querySelector<SVGGElement>(`[data-node="${CSS.escape(id)}"]`)?.focus({ preventScroll: true });
  }

  protected override decorate(place: IPlace, element: SVGGElement): void {
    if (place.node.role === 'input' && place.node.name !== 'system_in') {
      return;
    }
    const outputs = Math.max(1, place.node.shape?.length ?? 1);
    for (let output = 0; output < outputs; output++) {
      const share = (output + 1) / (outputs + 1);
      const [x, y] = this.direction === 'down' ? [place.width * share, place.height] : [place.width, place.height * share];
      const shape = place.node.shape?.[output];
      const emitted = outputs > 1 ? `output ${output}${shape ? ` (${told(shape)})` : ''}` : shape ? told(shape) : 'what it emits';
      element.append(
        s(
          'circle',
          { class: 'akid-port', cx: x, cy: y, r: PORT, 'data-output': output, pointerdown: (event: PointerEvent) => this.pull(event, place, output, [place.x + x, place.y + y]), click: (event: MouseEvent) => event.stopPropagation() },
          s('title', {}, `Drag ${emitted} to the block that is to read it`)
        )
      );
    }
  }

  protected override decorateEdge(path: IPath, element: SVGGElement): void {
    const line = element.querySelector('path')!;
    const hit = s('path', { class: 'akid-edge-hit', d: line.getAttribute('d')!, click: (event: MouseEvent) => this.pick(event, path.edges) }, s('title', {}, `${path.edges[0].source} to ${path.edges[0].target}: click and press Delete to cut it`));
    element.append(hit);
    element.classList.toggle('akid-cut', this.isCut(path.edges));
  }

  protected override redrawn(): void {
    this.overlay.replaceChildren();
  }

  protected override takeKey(event: KeyboardEvent): boolean {
    const on = (event.target as Element).getAttribute('data-node') ?? this.selected;
    if (event.key === 'Delete' || event.key === 'Backspace') {
      if (this.cut) {
        this.hooks.disconnect(this.cut);
        this.cut = null;
      } else if (on !== null && this.tree.nodes.get(on)?.role !== 'input') {
        this.hooks.remove(on);
      } else {
        return false;
      }
    } else if (event.key === 'c' && on !== null) {
      this.hooks.lead(on);
    } else if (event.key === 'a') {
      this.hooks.go('palette');
    } else if (event.key === 'F2' && on !== null) {
      this.select(on);
      this.hooks.go('name');
    } else {
      return false;
    }
    return true;
  }

  override select(id: string | null): void {
    this.uncut();
    super.select(id);
  }

  private pick(event: MouseEvent, edges: IEdge[]): void {
    event.stopPropagation();
    this.select(null);
    this.cut = edges;
    this.showCut();
    this.focus(edges[0].target);
  }

  private uncut(): void {
    if (this.cut) {
      this.cut = null;
      this.showCut();
    }
  }

  private showCut(): void {
    for (const line of this.node.querySelectorAll<SVGElement>('.akid-edge')) {
      line.classList.toggle('akid-cut', this.cut !== null && line.dataset.source === this.cut[0].source && line.dataset.target === this.cut[0].target);
    }
  }

  private isCut(edges: IEdge[]): boolean {
    return this.cut !== null && this.cut[0].source === edges[0].source && this.cut[0].target === edges[0].target;
  }

  /** Draw a wire from a port to wherever the pointer goes. */
  private pull(event: PointerEvent, { node }: IPlace, output: number, from: [number, number]): void {
    event.stopPropagation();
    event.preventDefault();
    const port = event.currentTarget as SVGElement;
    const wire = s('path', { class: 'akid-wire', d: '' });
    this.overlay.append(wire);
    port.setPointerCapture(event.pointerId);
    const move = (to: PointerEvent) => {
      const [x, y] = this.camera.at(to);
      wire.setAttribute('d', `M${from[0]} ${from[1]}L${x} ${y}`);
      this.aim(this.under(to) ?? null, node);
    };
    const end = (to: PointerEvent) => {
      port.removeEventListener('pointermove', move);
      port.removeEventListener('pointerup', end);
      port.removeEventListener('pointercancel', end);
      wire.remove();
      this.aim(null, node);
      const target = to.type === 'pointerup' ? this.under(to) : null;
      if (target) {
        this.hooks.connect(node.id, target, output);
      }
    };
    port.addEventListener('pointermove', move);
    port.addEventListener('pointerup', end);
    port.addEventListener('pointercancel', end);
  }

  /** Mark the block on which something would be dropped. */
  aim(id: string | null, from?: INode): void {
    for (const element of this.node.querySelectorAll('[data-node]')) {
      element.classList.toggle('akid-aim', element.getAttribute('data-node') === id && id !== from?.id);
    }
  }
}
