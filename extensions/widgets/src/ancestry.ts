// The way to a run that is a branch: the runs that led to it, and their curves up to where it begins.

import type { Ask } from './others';
import { Series } from './series';
import { Signal } from './signal';

const PACE = 1000; // ms after a question that brought nothing
const TRIES = 20; // that bring nothing: a parent may have been deleted

/** A run on the way, and the step at which the next one left it. */
export interface IStretch {
  uid: string;
  name: string;
  until: number;
}

interface ISaidOf {
  way: IStretch[];
  series: [tag: string, count: number][];
}

export class Ancestry {
  /** There is something new, or it is time to ask again. */
  readonly changed = new Signal();
  /** The oldest ancestor first. */
  way: IStretch[] = [];
  /** What was measured on the whole way. */
  readonly series = new Map<string, Series>();
  private readonly known = new Set<string>(); // tags that were asked for
  private tries = 0; // that brought nothing
  private isAsked = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** @param isBranch whether there is a way at all */
  constructor(
    private readonly ask: Ask,
    private readonly isBranch: boolean
  ) {}

  dispose(): void {
    clearTimeout(this.timer);
    this.tries = TRIES;
  }

  /** The run that it left, and where. */
  get parent(): IStretch | null {
    return this.way.at(-1) ?? null;
  }

  /** Fetch, once, the way and these curves, which do not change any more. */
  async follow(tags: string[]): Promise<void> {
    const fresh = tags.filter(tag => !this.known.has(tag));
    const isNews = this.isBranch && (fresh.length > 0 || !this.way.length);
    if (!isNews || this.isAsked || this.timer !== undefined || this.tries >= TRIES) {
      return;
    }
    this.isAsked = true;
    let isTold = false;
    try {
      const { content, buffers } = await this.ask<ISaidOf>('ancestors', { tags: fresh });
      this.way = content.way;
      if ((isTold = this.way.length > 0)) {
        fresh.forEach(tag => this.known.add(tag));
      }
      const [steps, values] = [new Float64Array(buffers[0]), new Float32Array(buffers[1])];
      let from = 0;
      for (const [tag, count] of content.series) {
        const one = new Series();
        one.extend(steps.subarray(from, from + count), values.subarray(from, from + count));
        this.series.set(tag, one);
        from += count;
      }
    } catch {
      // it is asked again
    }
    this.isAsked = false;
    if (isTold) {
      this.changed.emit();
    } else if (++this.tries < TRIES) {
      this.timer = setTimeout(() => this.again(), PACE); // the run has but begun: where it did is not yet written
    }
  }

  private again(): void {
    this.timer = undefined;
    this.changed.emit();
  }
}
