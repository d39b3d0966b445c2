// The pad: the sample, as it is or as it is drawn, with what the answer hangs on laid over it.

import { isDark } from '../theme';
import { h } from '../view/dom';
import { Drawing } from './drawing';
import { sheetOf } from './layouts';
import { paint, scaleOf, veil } from './paint';
import type { IPicture } from './picture';

const SIDE = 252; // pixels of its longer side
const KEYS: { [key: string]: [number, number] } = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const ONE = { type: 'square', num: 1 } as const;

export class Pad {
  private readonly sample = h('canvas', { class: 'akid-pictures-canvas' });
  private readonly over = h('canvas', { class: 'akid-pictures-canvas akid-pad-over', hidden: true });
  private readonly cursor = h('i', { class: 'akid-pictures-mark', hidden: true });
  readonly node: HTMLElement;
  drawing: Drawing | null = null;
  private last: [number, number] | null = null;
  private at: [number, number] = [0, 0];
  private isErasing = false;

  /** @param drawn called when a stroke was added; null where nothing can be drawn */
  constructor(
    private readonly size: [height: number, width: number],
    private readonly drawn: (() => void) | null
  ) {
    const [height, width] = size;
    const side = SIDE / Math.max(height, width);
    const box = `width: ${width * side}px; height: ${height * side}px`;
    const said = drawn ? 'Drawing pad. Draw with a mouse, a finger or a pen; or go with the arrow keys, draw with Space, erase with Backspace, begin anew with Delete.' : 'The sample';
    this.node = h('div', { class: 'akid-pad', style: box, role: drawn ? 'application' : 'img', 'aria-label': said, tabindex: drawn ? 0 : -1, title: drawn ? 'Draw here' : '' }, this.sample, this.over, this.cursor);
    if (drawn) {
      this.at = [Math.floor(width / 2), Math.floor(height / 2)];
      this.node.addEventListener('pointerdown', event => this.begin(event));
      this.node.addEventListener('pointermove', event => this.go(event));
      this.node.addEventListener('pointerup', () => (this.last = null));
      this.node.addEventListener('pointercancel', () => (this.last = null));
      this.node.addEventListener('contextmenu', event => event.preventDefault());
      this.node.addEventListener('keydown', event => this.press(event));
      this.node.addEventListener('blur', () => (this.cursor.hidden = true));
    }
  }

  /** Show what the kernel was given. */
  show(sample: IPicture, why: IPicture | undefined): void {
    draw(this.sample, sample, paint(sample, sheetOf(sample, ONE), scaleOf(sample, isDark())));
    this.over.hidden = why === undefined;
    if (why) {
      draw(this.over, why, veil(why));
    }
  }

  clear(): void {
    this.drawing = new Drawing(this.size[1], this.size[0]);
    this.ink();
  }

  private begin(event: PointerEvent): void {
    this.node.setPointerCapture(event.pointerId);
    this.node.focus({ preventScroll: true });
    this.isErasing = event.button === 2 || event.shiftKey;
    this.last = this.place(event);
    this.line(this.last, this.last, this.isErasing);
    event.preventDefault();
  }

  private go(event: PointerEvent): void {
    if (this.last) {
      const to = this.place(event);
      this.line(this.last, to, this.isErasing);
      this.last = to;
    }
  }

  private place(event: PointerEvent): [number, number] {
    const box = this.node.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * this.size[1], ((event.clientY - box.top) / box.height) * this.size[0]];
  }

  private press(event: KeyboardEvent): void {
    const by = KEYS[event.key];
    const [height, width] = this.size;
    const before = this.at;
    if (by) {
      this.at = [Math.min(width - 1, Math.max(0, before[0] + by[0])), Math.min(height - 1, Math.max(0, before[1] + by[1]))];
      if (event.shiftKey) {
        this.line(middle(before), middle(this.at), false);
      }
    } else if (event.key === ' ') {
      this.line(middle(before), middle(before), false);
    } else if (event.key === 'Backspace') {
      this.line(middle(before), middle(before), true);
    } else if (event.key === 'Delete') {
      this.clear();
    } else {
      return;
    }
    this.mark();
    event.preventDefault();
    event.stopPropagation();
  }

  private mark(): void {
    const [height, width] = this.size;
    const share = (part: number, whole: number) => `${(100 * part) / whole}%`;
    this.cursor.hidden = false;
    Object.assign(this.cursor.style, { left: share(this.at[0], width), top: share(this.at[1], height), width: share(1, width), height: share(1, height) });
  }

  private line(from: [number, number], to: [number, number], isErasing: boolean): void {
    this.drawing ??= new Drawing(this.size[1], this.size[0]);
    this.drawing.stroke(from, to, isErasing);
    this.ink();
  }

  /** At once, before the kernel has answered. */
  private ink(): void {
    const { width, height, pixels } = this.drawing!;
    [this.sample.width, this.sample.height] = [width, height];
    const image = new ImageData(width, height);
    pixels.forEach((level, at) => image.data.set([level, level, level, 255], at * 4));
    this.sample.getContext('2d')!.putImageData(image, 0, 0);
    this.over.hidden = true;
    this.drawn?.();
  }
}

function middle([x, y]: [number, number]): [number, number] {
  return [x + 0.5, y + 0.5];
}

function draw(canvas: HTMLCanvasElement, picture: IPicture, pixels: Uint8ClampedArray): void {
  const sheet = sheetOf(picture, ONE);
  [canvas.width, canvas.height] = [sheet.columns, sheet.rows];
  const image = new ImageData(sheet.columns, sheet.rows);
  image.data.set(pixels);
  canvas.getContext('2d')!.putImageData(image, 0, 0);
}
