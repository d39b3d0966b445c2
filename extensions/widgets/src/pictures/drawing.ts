// A drawing: pixels of 0 to 255 that strokes are added to, and the way a cursor takes through them.

export class Drawing {
  readonly pixels: Uint8ClampedArray;

  constructor(
    readonly width: number,
    readonly height: number
  ) {
    this.pixels = new Uint8ClampedArray(width * height);
  }

  get isEmpty(): boolean {
    return this.pixels.every(pixel => pixel === 0);
  }

  clear(): void {
    this.pixels.fill(0);
  }

  /** A stroke from one place to another, in pixels; its edge is soft, and it never makes anything paler. */
  stroke([x0, y0]: [number, number], [x1, y1]: [number, number], isErasing = false): void {
    const radius = Math.max(0.75, Math.min(this.width, this.height) / 20);
    const length = Math.hypot(x1 - x0, y1 - y0);
    for (let y = 0; y < this.height; y++) {
      for (let x = 0; x < this.width; x++) {
        const along = length ? Math.min(1, Math.max(0, ((x + 0.5 - x0) * (x1 - x0) + (y + 0.5 - y0) * (y1 - y0)) / length ** 2)) : 0;
        const far = Math.hypot(x + 0.5 - x0 - along * (x1 - x0), y + 0.5 - y0 - along * (y1 - y0));
        const ink = 255 * Math.min(1, Math.max(0, radius + 0.5 - far));
        const at = y * this.width + x;
        this.pixels[at] = isErasing ? Math.min(this.pixels[at], 255 - ink) : Math.max(this.pixels[at], ink);
      }
    }
  }
}
