// Draws bands on a canvas: shades between nine lines, the median, axes, and where it was looked at. Shades and colours
// are those of the other pictures: akidlab/backends/shades.py.

import { count, tick } from '../format';
import { LINES, NINE, type Bands } from './bands';
import { ticks, type Scale } from './scale';
import { shade } from './shade';

const SPARSE = 5; // pixels from look to look, from which on each look is marked
const LABEL = 12; // pixels from one label of a line to the next

export interface IColours {
  band: string;
  ink: string;
  quiet: string;
  grid: string;
  mark: string;
  bad: string;
  font: string;
}

export interface IFrame {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export interface IPainting {
  frame: IFrame;
  steps: [number, number];
  scale: Scale;
  colours: IColours;
  /** Steps at which something was done. */
  marks: number[];
  /** Name the nine lines at the right. */
  isLabelled: boolean;
}

/** Pixels at the right of the frame, at the least. */
export const RIM = 10;

export function stepToX({ frame, steps }: Pick<IPainting, 'frame' | 'steps'>, step: number): number {
  return frame.left + ((step - steps[0]) / (steps[1] - steps[0])) * (frame.right - frame.left);
}

function valueToY({ frame, scale }: IPainting, value: number): number {
  return frame.bottom - scale.place(value) * (frame.bottom - frame.top);
}

/** The observations from one to another that are drawn for some steps: one more at each side, which leads there. */
export function shown(bands: Bands, [first, last]: [number, number]): [number, number] {
  return [Math.max(0, bands.firstFrom(first) - 1), Math.min(bands.length, bands.firstFrom(last + 1) + 1)];
}

/** Stretches of observations without a gap: a gap is left where one of the nine is not finite. */
export function stretches(bands: Bands, from: number, to: number): [number, number][] {
  const found: [number, number][] = [];
  for (let i = from; i < to; i++) {
    if (bands.isFinite(i)) {
      if (found.length && found[found.length - 1][1] === i) {
        found[found.length - 1][1] = i + 1;
      } else {
        found.push([i, i + 1]);
      }
    }
  }
  return found;
}

export function paint(ctx: CanvasRenderingContext2D, bands: Bands, painting: IPainting): void {
  const { frame, steps, colours } = painting;
  const [from, to] = shown(bands, steps);
  const xs = bands.steps.slice(from, to).map(step => stepToX(painting, step));
  const ys = new Float64Array(bands.values.subarray(NINE * from, NINE * to)).map(value => valueToY(painting, value));
  const parts = stretches(bands, from, to).map(([first, last]) => [first - from, last - from] as [number, number]);
  drawShades(ctx, xs, ys, parts, painting);
  drawAxes(ctx, painting);
  ctx.save();
  ctx.beginPath();
  ctx.rect(frame.left, frame.top - 1, frame.right - frame.left + 1, frame.bottom - frame.top + 2);
  ctx.clip();
  drawLines(ctx, xs, ys, parts, colours.band);
  drawLooks(ctx, bands, from, to, painting);
  painting.marks.forEach(step => dashed(ctx, stepToX(painting, step), frame, colours.mark));
  drawOdd(ctx, bands, from, to, painting);
  ctx.restore();
  if (painting.isLabelled) {
    drawLabels(ctx, bands, to, painting);
  }
}

function drawAxes(ctx: CanvasRenderingContext2D, painting: IPainting): void {
  const { frame, scale, steps, colours } = painting;
  ctx.font = colours.font;
  ctx.fillStyle = colours.quiet;
  ctx.strokeStyle = colours.grid;
  ctx.lineWidth = 1;
  ctx.textAlign = 'right';
  ctx.textBaseline = 'middle';
  ctx.beginPath();
  for (const value of scale.ticks(Math.max(2, Math.round((frame.bottom - frame.top) / 25)))) {
    const y = Math.round(valueToY(painting, value)) + 0.5;
    ctx.moveTo(frame.left, y);
    ctx.lineTo(frame.right, y);
    ctx.fillText(tick(value), frame.left - 5, y);
  }
  ctx.stroke();
  ctx.textAlign = 'center';
  ctx.textBaseline = 'top';
  for (const step of ticks(steps[0], steps[1], Math.max(2, Math.floor((frame.right - frame.left) / 70)))) {
    if (Number.isInteger(step)) {
      const [text, edge] = [tick(step), frame.right + RIM];
      ctx.fillText(text, Math.min(stepToX(painting, step), edge - ctx.measureText(text).width / 2), frame.bottom + 6);
    }
  }
}

/** Its pixels replace what is there: they come first. */
function drawShades(ctx: CanvasRenderingContext2D, xs: Float64Array, ys: Float64Array, parts: [number, number][], { frame, colours }: IPainting): void {
  const { a: ratio } = ctx.getTransform();
  const [left, top] = [Math.round(frame.left * ratio), Math.round(frame.top * ratio)];
  const image = ctx.createImageData(Math.max(1, Math.round(frame.right * ratio) - left), Math.max(1, Math.round(frame.bottom * ratio) - top));
  shade(image, xs.map(x => x * ratio - left), ys.map(y => y * ratio - top), parts, rgb(ctx, colours.band));
  ctx.putImageData(image, left, top);
}

function rgb(ctx: CanvasRenderingContext2D, colour: string): [number, number, number] {
  ctx.fillStyle = colour;
  const hex = parseInt(String(ctx.fillStyle).slice(1), 16); // as a canvas tells every colour: #rrggbb
  return [hex >> 16, (hex >> 8) & 255, hex & 255];
}

/** The nine lines: fine ones, and the median. */
function drawLines(ctx: CanvasRenderingContext2D, xs: Float64Array, ys: Float64Array, parts: [number, number][], colour: string): void {
  const line = (place: number) => {
    for (const [from, to] of parts) {
      const alone = to - from === 1 ? 3 : 0;
      ctx.moveTo(xs[from] - alone, ys[NINE * from + place]);
      ctx.lineTo(xs[from] + alone, ys[NINE * from + place]);
      for (let i = from + 1; i < to; i++) {
        ctx.lineTo(xs[i], ys[NINE * i + place]);
      }
    }
  };
  ctx.strokeStyle = colour;
  for (const [places, width, alpha] of [[[0, 1, 2, 3, 5, 6, 7, 8], 0.7, 0.5], [[4], 1.5, 1]] as const) {
    ctx.lineWidth = width;
    ctx.globalAlpha = alpha;
    for (const place of places) {
      ctx.beginPath();
      line(place);
      ctx.stroke();
    }
  }
  ctx.globalAlpha = 1;
}

/** Between two looks nothing is known: where they lie far apart, a small stroke says where they are. */
function drawLooks(ctx: CanvasRenderingContext2D, bands: Bands, from: number, to: number, painting: IPainting): void {
  const { frame, colours } = painting;
  if (bands.isThinned || (frame.right - frame.left) / Math.max(1, to - from) < SPARSE) {
    return;
  }
  ctx.strokeStyle = colours.quiet;
  ctx.lineWidth = 1;
  ctx.beginPath();
  for (let i = from; i < to; i++) {
    const x = stepToX(painting, bands.steps[i]);
    ctx.moveTo(x, frame.bottom + 1);
    ctx.lineTo(x, frame.bottom - 3);
  }
  ctx.stroke();
}

function drawOdd(ctx: CanvasRenderingContext2D, bands: Bands, from: number, to: number, painting: IPainting): void {
  const { frame, colours } = painting;
  for (let i = from; i < to; i++) {
    if (!bands.isFinite(i)) {
      const [x, said] = [stepToX(painting, bands.steps[i]), `not finite at ${count(bands.steps[i])}`];
      dashed(ctx, x, frame, colours.bad);
      ctx.fillStyle = colours.bad;
      ctx.textAlign = 'left';
      ctx.textBaseline = 'top';
      ctx.fillText(said, Math.min(x + 4, frame.right - ctx.measureText(said).width), frame.top + 1);
      return;
    }
  }
}

function dashed(ctx: CanvasRenderingContext2D, x: number, frame: IFrame, colour: string): void {
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1;
  ctx.setLineDash([2, 3]);
  ctx.beginPath();
  ctx.moveTo(Math.round(x) + 0.5, frame.top);
  ctx.lineTo(Math.round(x) + 0.5, frame.bottom);
  ctx.stroke();
  ctx.setLineDash([]);
}

/** The names of the nine lines where they end, moved apart so that each can be read. */
function drawLabels(ctx: CanvasRenderingContext2D, bands: Bands, to: number, painting: IPainting): void {
  const { frame, colours } = painting;
  let last = to - 1;
  while (last >= 0 && (!bands.isFinite(last) || bands.steps[last] > painting.steps[1])) {
    last--;
  }
  if (last < 0) {
    return;
  }
  const x = Math.min(frame.right, stepToX(painting, bands.steps[last]));
  const ys = apart(Array.from(bands.nine(last), value => valueToY(painting, value)), LABEL, frame.top + 4, frame.bottom - 2);
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  ctx.fillStyle = colours.quiet;
  ys.forEach((y, line) => ctx.fillText(LINES[line], x + 6, y));
}

/** Heights that lie at least `gap` apart, as near to what they were as that allows; they fall from first to last. */
export function apart(ys: number[], gap: number, top: number, bottom: number): number[] {
  const from = Math.min(bottom, Math.max(ys[0], top + gap * (ys.length - 1)));
  const found = [from];
  for (let i = 1; i < ys.length; i++) {
    found.push(Math.min(ys[i], found[i - 1] - gap));
  }
  const over = top - found[found.length - 1];
  if (over > 0) {
    let limit = top;
    for (let i = found.length - 1; i >= 0 && found[i] < limit; i--) {
      found[i] = limit;
      limit += gap;
    }
  }
  return found;
}
