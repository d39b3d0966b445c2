// A chart of bands: a canvas of its own, a line under the cursor, and a drag that zooms.

import { h } from '../view/dom';
import type { Bands } from './bands';
import { RIM, paint, shown, stepToX, type IColours, type IFrame } from './paint';
import { extent, Scale, threshold, type Choice } from './scale';

const FEWEST = 4; // pixels of a drag

/** What all charts of a tab share. */
export interface IBandsHost {
  readonly steps: [number, number];
  readonly marks: number[];
  readonly choice: Choice;
  readonly colours: IColours;
  /** The cursor is at this step; null if it is nowhere. */
  point(step: number | null): void;
  zoom(steps: [number, number] | null): void;
}

export class BandsChart {
  private readonly canvas = h('canvas');
  private readonly line = h('div', { class: 'akid-bands-line', hidden: true });
  private readonly selection = h('div', { class: 'akid-bands-select', hidden: true });
  readonly node = h('div', { class: 'akid-bands-canvas' }, this.canvas, this.line, this.selection);
  private drawn = '';
  private found: { state: string; value: number | null } = { state: '', value: null };
  private frame: IFrame = { left: 0, top: 0, right: 1, bottom: 1 };
  private steps: [number, number] = [0, 1];
  private from: number | null = null;

  constructor(
    private readonly host: IBandsHost,
    private readonly isLarge: boolean
  ) {
    this.node.addEventListener('pointermove', event => this.onMove(event));
    this.node.addEventListener('pointerleave', () => this.host.point(null));
    if (isLarge) {
      this.node.addEventListener('pointerdown', event => this.onDown(event));
      this.node.addEventListener('pointerup', event => this.onUp(event));
      this.node.addEventListener('pointercancel', () => this.cancel());
      this.node.addEventListener('dblclick', () => host.zoom(null));
    }
  }

  /** Let go of its pixels until it is drawn again. */
  free(): void {
    this.canvas.width = this.canvas.height = 0;
    this.drawn = '';
  }

  /** Draw, if anything has changed. */
  draw(bands: Bands): void {
    const { clientWidth: width, clientHeight: height } = this.node;
    const { steps, marks, choice, colours } = this.host;
    const state = [bands.tag, bands.version, width, height, devicePixelRatio, steps, marks, choice, colours.band, colours.ink].join();
    if (!width || state === this.drawn) {
      return;
    }
    this.drawn = state;
    this.steps = steps;
    const ctx = this.canvas.getContext('2d')!;
    this.fit(Math.round(width * devicePixelRatio), Math.round(height * devicePixelRatio));
    ctx.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    ctx.clearRect(0, 0, width, height);
    const [low, high] = extent(bands, ...shown(bands, steps)) ?? [0, 1];
    this.frame = { left: 48, top: 8, right: width - (this.isLarge ? 66 : RIM), bottom: height - 22 };
    const scale = new Scale(low, high, this.threshold(bands, choice));
    this.node.dataset.scale = scale.threshold === null ? 'linear' : 'log';
    paint(ctx, bands, { frame: this.frame, steps, scale, colours, marks, isLabelled: this.isLarge });
  }

  /** It is found by looking at all of them: once for each change. */
  private threshold(bands: Bands, choice: Choice): number | null {
    const state = `${bands.tag} ${bands.version} ${choice}`;
    if (state !== this.found.state) {
      this.found = { state, value: threshold(bands, choice) };
    }
    return this.found.value;
  }

  private fit(width: number, height: number): void {
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
  }

  /** Put the line of the cursor at a step, or away. */
  mark(step: number | null): void {
    const isThere = step !== null && step >= this.steps[0] && step <= this.steps[1];
    this.line.hidden = !isThere;
    if (isThere) {
      const { top, bottom } = this.frame;
      this.line.style.cssText = `left:${stepToX(this.place, step).toFixed(1)}px;top:${top}px;height:${bottom - top}px`;
    }
  }

  private get place(): { frame: IFrame; steps: [number, number] } {
    return { frame: this.frame, steps: this.steps };
  }

  private stepAt(event: PointerEvent): number {
    const { left, right } = this.frame;
    const x = Math.min(right, Math.max(left, event.clientX - this.node.getBoundingClientRect().left));
    return this.steps[0] + ((x - left) / (right - left)) * (this.steps[1] - this.steps[0]);
  }

  private onMove(event: PointerEvent): void {
    const step = this.stepAt(event);
    this.host.point(step);
    if (this.from !== null) {
      const [a, b] = [this.from, step].sort((one, other) => one - other).map(at => stepToX(this.place, at));
      this.selection.hidden = b - a < FEWEST;
      this.selection.style.cssText = `left:${a}px;width:${b - a}px;top:${this.frame.top}px;height:${this.frame.bottom - this.frame.top}px`;
    }
  }

  private onDown(event: PointerEvent): void {
    if (event.button === 0) {
      this.from = this.stepAt(event);
      this.node.setPointerCapture(event.pointerId);
    }
  }

  private onUp(event: PointerEvent): void {
    const [from, to] = [this.from, this.stepAt(event)];
    this.cancel();
    if (from !== null && Math.abs(stepToX(this.place, to) - stepToX(this.place, from)) >= FEWEST) {
      this.host.zoom([Math.min(from, to), Math.max(from, to)]);
    }
  }

  private cancel(): void {
    this.from = null;
    this.selection.hidden = true;
  }
}
