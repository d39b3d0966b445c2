// Where values lie along an axis: evenly, or, where they spread over orders of magnitude, by their orders, both ways
// from zero (symlog): even up to a threshold, logarithmic beyond it.

import { NINE, type Bands } from './bands';

export type Choice = 'auto' | 'linear' | 'log';

const APART = 100; // what reaches farthest is so many times what is usual: an even axis would show a line
const CALM = 0.1; // of the observations: the share in which what is usual may be smaller still
const ROOM = 0.05; // above and below

/** The least and the greatest finite value from one observation to another; null if there is none. */
export function extent(bands: Bands, from = 0, to = bands.length): [number, number] | null {
  let [low, high] = [Infinity, -Infinity];
  for (let i = from; i < to; i++) {
    if (bands.isFinite(i)) {
      low = Math.min(low, bands.values[i * NINE]);
      high = Math.max(high, bands.values[i * NINE + 8]);
    }
  }
  return low <= high ? [low, high] : null;
}

/** The threshold of a log-like axis: the power of ten below which most values lie where they lie closest; 0 if none. */
export function usual(bands: Bands): { inner: number; outer: number } {
  const sizes: number[] = [];
  let outer = 0;
  for (let i = 0; i < bands.length; i++) {
    if (bands.isFinite(i)) {
      const nine = bands.nine(i);
      const size = Math.max(Math.abs(nine[1]), Math.abs(nine[7])); // of what lies between 7 and 93%: most of a ReLU's are 0
      if (size > 0) {
        sizes.push(size);
      }
      outer = Math.max(outer, Math.abs(nine[0]), Math.abs(nine[8]));
    }
  }
  sizes.sort((a, b) => a - b);
  return { inner: sizes[Math.floor(CALM * sizes.length)] ?? outer / 1e3, outer };
}

/** The threshold that an axis is to have; null for an even one. */
export function threshold(bands: Bands, choice: Choice): number | null {
  const { inner, outer } = usual(bands);
  if (choice === 'linear' || !(inner > 0) || !Number.isFinite(outer) || (choice === 'auto' && outer < APART * inner)) {
    return null;
  }
  return 10 ** Math.floor(Math.log10(inner));
}

export class Scale {
  private readonly from: number;
  private readonly span: number;

  constructor(
    readonly low: number,
    readonly high: number,
    readonly threshold: number | null = null
  ) {
    if (low === high) {
      [low, high] = low ? [low - Math.abs(low) / 2, high + Math.abs(high) / 2] : [-1, 1];
    } else if (threshold === null && 0 < low && low < 0.35 * high) {
      low = 0; // a chart that nearly reaches zero should show it
    }
    const [bottom, top] = [this.bent(low), this.bent(high)];
    const room = ROOM * (top - bottom);
    this.from = bottom - (low === 0 ? 0 : room);
    this.span = top + (high === 0 ? 0 : room) - this.from;
  }

  /** Where a value lies: 0 at the bottom, 1 at the top. */
  place(value: number): number {
    return (this.bent(value) - this.from) / this.span;
  }

  /** Round values along the axis, about so many. */
  ticks(count: number): number[] {
    if (this.threshold === null) {
      return ticks(this.unbent(this.from), this.unbent(this.from + this.span), count);
    }
    const most = Math.max(1, Math.floor(Math.log10(Math.max(Math.abs(this.low), Math.abs(this.high)) / this.threshold) + 1e-9));
    const sides = (this.low < 0 ? 1 : 0) + (this.high > 0 ? 1 : 0);
    const stride = Math.max(1, Math.ceil((most * sides) / Math.max(1, count - 1)));
    const powers = Array.from({ length: Math.floor(most / stride) }, (_, i) => +(this.threshold! * 10 ** (most - i * stride)).toPrecision(6));
    return [...powers.map(power => -power), 0, ...powers.reverse()].filter(value => this.place(value) >= 0 && this.place(value) <= 1);
  }

  private bent(value: number): number {
    return this.threshold === null ? value : Math.sign(value) * Math.log1p(Math.abs(value) / this.threshold);
  }

  private unbent(place: number): number {
    return this.threshold === null ? place : Math.sign(place) * Math.expm1(Math.abs(place)) * this.threshold;
  }
}

/** About `count` round numbers from `low` to `high`, two at least. */
export function ticks(low: number, high: number, count: number): number[] {
  const raw = (high - low) / count;
  if (!(raw > 0) || !Number.isFinite(raw)) {
    return [low];
  }
  const power = 10 ** Math.floor(Math.log10(raw));
  const ends = (size: number) => [Math.ceil(low / size - 1e-9), Math.floor(high / size + 1e-9)];
  const wanted = [1, 2, 5, 10].map(factor => factor * power).find(step => step >= raw * 0.999)!;
  const size = [10, 5, 2, 1, 0.5, 0.2].map(factor => factor * power).find(step => step <= wanted * 1.001 && ends(step)[1] > ends(step)[0])!;
  const [first, last] = ends(size);
  return Array.from({ length: last - first + 1 }, (_, i) => +((first + i) * size).toPrecision(12));
}
