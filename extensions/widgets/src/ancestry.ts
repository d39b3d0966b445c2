// The way to a run that is a branch: the runs that led to it, and their curves up to where it begins.

import type { Ask } from './others';
import { Series } from './series';

const PACE = 1000; // ms between two questions, until the way is known
const TRIES = 10; // of a way that is not told: a parent may have been deleted

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
  /** The oldest ancestor first. */
  way: IStretch[] = [];
  /** What was measured on the whole way. */
  readonly series = new Map<string, Series>();
  private readonly known = new Set<string>(); // tags that were asked for
  private askedAt = -Infinity;
  private tries = 0;
  private isAsked = false;

  /** @param isBranch whether there is a way at all */
  constructor(
    private readonly ask: Ask,
    private readonly isBranch: boolean
  ) {}

  /** The run that it left, and where. */
  get parent(): IStretch | null {
    return this.way.at(-1) ?? null;
  }

  /** Fetch, once, the way and these curves, which do not change any more; true if there is something new. */
  async follow(tags: string[]): Promise<boolean> {
    const fresh = tags.filter(tag => !this.known.has(tag));
    const isNews = this.way.length ? fresh.length > 0 : this.tries < TRIES;
    const now = performance.now();
    const isSoon = !this.way.length && now - this.askedAt < PACE;
    if (!this.isBranch || !isNews || this.isAsked || isSoon) {
      return false;
    }
    this.isAsked = true;
    this.askedAt = now;
    this.tries += 1;
    try {
      const { content, buffers } = await this.ask<ISaidOf>('ancestors', { tags: fresh });
      this.way = content.way;
      if (this.way.length) {
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
      return this.way.length > 0;
    } catch {
      return false; // it is asked again
    } finally {
      this.isAsked = false;
    }
  }
}
