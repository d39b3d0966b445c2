// The camera of a graph: which part of the plane is seen, moved by dragging, by fingers and by the wheel with Ctrl.

import type { Point } from './layout';
import { clamp, Sight } from './sight';

const THRESHOLD = 4; // pixels until a press is a drag

export class Camera extends Sight {
  private readonly fingers = new Map<number, Point>();
  private isDragging = false;
  private readonly sizes: ResizeObserver;

  constructor(
    private readonly stage: HTMLElement,
    changed: () => void,
    readable?: number
  ) {
    super(changed, readable);
    stage.addEventListener('pointerdown', this.press);
    stage.addEventListener('wheel', this.roll, { passive: false });
    stage.addEventListener('click', this.click, { capture: true });
    this.sizes = new ResizeObserver(() => this.measure(stage.clientWidth, stage.clientHeight));
    this.sizes.observe(stage);
  }

  dispose(): void {
    this.sizes.disconnect();
    this.release();
    this.stage.removeEventListener('pointerdown', this.press);
    this.stage.removeEventListener('wheel', this.roll);
    this.stage.removeEventListener('click', this.click, { capture: true });
  }

  get transform(): string {
    return `translate(${this.x.toFixed(2)} ${this.y.toFixed(2)}) scale(${this.k.toFixed(4)})`;
  }

  /** A place of the page on the plane. */
  at({ clientX, clientY }: { clientX: number; clientY: number }): Point {
    const box = this.stage.getBoundingClientRect();
    return [(clientX - box.left - this.x) / this.k, (clientY - box.top - this.y) / this.k];
  }

  private readonly press = (event: PointerEvent): void => {
    if (event.button !== 0) {
      return;
    }
    if (!this.fingers.size) {
      this.isDragging = false;
      window.addEventListener('pointermove', this.move);
      window.addEventListener('pointerup', this.lift);
      window.addEventListener('pointercancel', this.lift);
    }
    this.fingers.set(event.pointerId, [event.clientX, event.clientY]);
  };

  private readonly move = (event: PointerEvent): void => {
    const before = this.fingers.get(event.pointerId);
    if (!before) {
      return;
    }
    const now: Point = [event.clientX, event.clientY];
    if (!this.isDragging && Math.hypot(now[0] - before[0], now[1] - before[1]) < THRESHOLD) {
      return;
    }
    this.isDragging = true;
    this.stage.classList.add('akid-dragging');
    const other = [...this.fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const box = this.stage.getBoundingClientRect();
      const [apart, were] = [now, before].map(([x, y]) => Math.hypot(x - other[0], y - other[1]));
      this.zoom(apart / Math.max(were, 1), [(now[0] + other[0]) / 2 - box.left, (now[1] + other[1]) / 2 - box.top]);
    } else {
      this.x += now[0] - before[0];
      this.y += now[1] - before[1];
      this.changed();
    }
    this.fingers.set(event.pointerId, now);
  };

  private readonly lift = (event: PointerEvent): void => {
    this.fingers.delete(event.pointerId);
    if (!this.fingers.size) {
      this.release();
    }
  };

  private release(): void {
    this.fingers.clear();
    this.stage.classList.remove('akid-dragging');
    window.removeEventListener('pointermove', this.move);
    window.removeEventListener('pointerup', this.lift);
    window.removeEventListener('pointercancel', this.lift);
  }

  /** What ends a drag is no click. */
  private readonly click = (event: MouseEvent): void => {
    if (this.isDragging) {
      event.stopPropagation();
      this.isDragging = false;
    }
  };

  /** The wheel alone scrolls the page; a pinch on a touchpad comes as one with Ctrl. */
  private readonly roll = (event: WheelEvent): void => {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      const box = this.stage.getBoundingClientRect();
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      this.zoom(Math.exp(-clamp(event.deltaY * lines, -120, 120) / 300), [event.clientX - box.left, event.clientY - box.top]);
    }
  };
}
