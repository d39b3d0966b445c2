// The camera of a graph: which part of the plane is seen, moved by dragging, by fingers and by the wheel with Ctrl.

import type { Point } from './layout';

const NEAREST = 2.5;
const FARTHEST = 0.05;
const READABLE = 0.62; // the scale down to which a whole graph is shown from the start
const THRESHOLD = 4; // pixels until a press is a drag

export class Camera {
  x = 0;
  y = 0;
  k = 1;
  private readonly fingers = new Map<number, Point>();
  private isDragging = false;
  private readonly sizes: ResizeObserver;
  private size: Point = [0, 0];
  private whole: { width: number; height: number } | null = null;
  private began = false;

  constructor(
    private readonly stage: HTMLElement,
    private readonly changed: () => void
  ) {
    stage.addEventListener('pointerdown', this.press);
    stage.addEventListener('wheel', this.roll, { passive: false });
    stage.addEventListener('click', this.click, { capture: true });
    this.sizes = new ResizeObserver(() => this.measure());
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

  /** What there is to be seen; from the start all of it, or its beginning where that would be too small. */
  hold(whole: { width: number; height: number }): void {
    this.whole = whole;
    this.begin();
  }

  fit(least = FARTHEST): void {
    if (!this.whole || !this.size[0]) {
      return;
    }
    const { width, height } = this.whole;
    const [across, along] = this.size;
    this.k = clamp(Math.min((across - 24) / width, (along - 24) / height, 1.2), least, NEAREST);
    this.x = Math.max((across - width * this.k) / 2, width * this.k > across ? 12 : -Infinity);
    this.y = Math.max((along - height * this.k) / 2, height * this.k > along ? 12 : -Infinity);
    if (height * this.k > along && width * this.k > across) {
      this.x = (across - width * this.k) / 2;
    }
    this.changed();
  }

  zoom(factor: number, [x, y]: Point = [this.size[0] / 2, this.size[1] / 2]): void {
    const k = clamp(this.k * factor, FARTHEST, NEAREST);
    this.x = x - ((x - this.x) * k) / this.k;
    this.y = y - ((y - this.y) * k) / this.k;
    this.k = k;
    this.changed();
  }

  /** Move as little as is needed for a box of the plane to be seen. */
  show(x: number, y: number, width: number, height: number): void {
    this.x += into(this.x + x * this.k, width * this.k, this.size[0]);
    this.y += into(this.y + y * this.k, height * this.k, this.size[1]);
    this.changed();
  }

  private measure(): void {
    const { clientWidth, clientHeight } = this.stage;
    if (this.began && clientWidth) {
      this.x += (clientWidth - this.size[0]) / 2;
    }
    this.size = [clientWidth, clientHeight];
    this.begin();
    this.changed();
  }

  private begin(): void {
    if (!this.began && this.whole && this.size[0]) {
      this.began = true;
      this.fit(READABLE);
    }
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

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

/** How far something must move to lie within, with a margin. */
function into(from: number, length: number, room: number): number {
  const margin = Math.min(24, Math.max(0, (room - length) / 2));
  if (from < margin || length > room) {
    return margin - from;
  }
  return Math.min(0, room - margin - (from + length));
}
