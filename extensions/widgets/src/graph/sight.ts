// Which part of the plane is seen, and at what scale: what a camera knows without a page.

import type { Point } from './layout';

const NEAREST = 2.5;
const FARTHEST = 0.05;
const READABLE = 0.75; // the scale down to which a whole graph is shown from the start

export class Sight {
  x = 0;
  y = 0;
  k = 1;
  private size: Point = [0, 0];
  private whole: { width: number; height: number } | null = null;
  private began = false;

  constructor(
    protected readonly changed: () => void,
    private readonly readable = READABLE
  ) {}

  /** What there is to be seen; from the start all of it, or its beginning where that would be too small. */
  hold(whole: { width: number; height: number }): void {
    this.whole = whole;
    this.begin();
  }

  /** The room there is; none while it is hidden, and then the last one counts. */
  measure(across: number, along: number): void {
    if (!across) {
      return;
    }
    if (this.began) {
      this.x += (across - this.size[0]) / 2;
    }
    this.size = [across, along];
    this.begin();
    this.changed();
  }

  /** See all of it, or its beginning where all would be too small to read. */
  fit(least = this.readable): void {
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

  /** Fit it in; where it is so already, see all of it, however small. */
  refit(): void {
    const [x, y, k] = [this.x, this.y, this.k];
    this.fit();
    if (this.x === x && this.y === y && this.k === k) {
      this.fit(FARTHEST);
    }
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

  private begin(): void {
    if (!this.began && this.whole && this.size[0]) {
      this.began = true;
      this.fit();
    }
  }
}

export function clamp(value: number, least: number, most: number): number {
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
