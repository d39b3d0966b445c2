// Other runs, drawn over the curves of one's own: which are chosen, and what is known of each.

import type { ISaid } from './line';
import { Series } from './series';
import { Signal } from './signal';
import { Times } from './times';
import type { Status } from './tokens';

const PACE = 1000; // ms between two looks at a run that lives
const COLOURS = [3, 4, 5, 6, 7, 2]; // of the lines of a group: not those of training and validation
export const MOST = COLOURS.length;

export type Ask = <T>(question: string, asked: object) => Promise<ISaid<T>>;

/** A run in the list of those that could be chosen. */
export interface IListed {
  uid: string;
  name: string;
  status: Status;
  live: boolean;
  step: number;
  kin: 'parent' | 'child' | 'sibling' | null;
}

interface ISaidOf {
  uid: string;
  name: string;
  status: Status;
  live: boolean;
  step: number;
  series: [tag: string, count: number][];
  rewrites: number;
  anew: boolean;
}

export class Other {
  name = '…';
  status: Status = 'preparing';
  live = true;
  step = 0;
  /** Why nothing is known of it. */
  error: string | null = null;
  readonly series = new Map<string, Series>();
  readonly times = new Times();
  private rewrites: number | null = null;
  private readonly known = new Set<string>(); // tags that were asked for
  private askedAt = -Infinity;
  private timedAt = -Infinity;
  private isAsked = false;

  constructor(
    readonly uid: string,
    readonly colour: number,
    private readonly ask: Ask
  ) {}

  /** Fetch what is new of these curves: at once what was never asked for, else at a steady pace while it lives. */
  async follow(tags: string[], timed: boolean): Promise<boolean> {
    const now = performance.now();
    const isNews = tags.some(tag => !this.known.has(tag)) || (timed && this.times.isEmpty && this.timedAt < 0);
    if (this.isAsked || !(isNews || (this.live && now - this.askedAt > PACE))) {
      return false;
    }
    this.isAsked = true;
    this.askedAt = now;
    try {
      const since = Object.fromEntries(tags.flatMap(tag => (this.series.get(tag)?.length ? [[tag, this.series.get(tag)!.lastStep]] : [])));
      this.take(await this.ask<ISaidOf>('series_of', { uid: this.uid, tags, since, rewrites: this.rewrites ?? -1 }));
      tags.forEach(tag => this.known.add(tag));
      if (timed) {
        this.timedAt = now;
        const { buffers } = await this.ask('times', { uid: this.uid, since: this.times.lastStep });
        this.times.take(new Float64Array(buffers[0]), new Float32Array(buffers[1]));
      }
      this.error = null;
    } catch (error) {
      this.error = (error as Error).message;
      tags.forEach(tag => this.known.add(tag));
    } finally {
      this.isAsked = false;
    }
    return true;
  }

  private take({ content, buffers }: ISaid<ISaidOf>): void {
    const { name, status, live, step, series, rewrites, anew } = content;
    Object.assign(this, { name, status, live, step, rewrites });
    if (anew) {
      this.series.clear();
    }
    const [steps, values] = [new Float64Array(buffers[0]), new Float32Array(buffers[1])];
    let from = 0;
    for (const [tag, count] of series) {
      const one = this.series.get(tag) ?? this.series.set(tag, new Series()).get(tag)!;
      one.extend(steps.subarray(from, from + count), values.subarray(from, from + count));
      from += count;
    }
  }
}

export class Others {
  readonly changed = new Signal();
  private readonly chosen = new Map<string, Other>();

  constructor(
    private readonly ask: Ask,
    uids: string[] = []
  ) {
    uids.slice(0, MOST).forEach(uid => this.add(uid));
  }

  get all(): Other[] {
    return [...this.chosen.values()];
  }

  has(uid: string): boolean {
    return this.chosen.has(uid);
  }

  get isFull(): boolean {
    return this.chosen.size >= MOST;
  }

  /** Choose a run, or not any more. */
  toggle(uid: string): void {
    if (!this.chosen.delete(uid) && !this.isFull) {
      this.add(uid);
    }
    this.changed.emit();
  }

  /** Which there are whose names hold these words. */
  async list(words: string): Promise<{ runs: IListed[]; more: number }> {
    return (await this.ask<{ runs: IListed[]; more: number }>('runs', { words })).content;
  }

  /** Fetch what is new of the chosen runs. */
  follow(tags: string[], timed: boolean): void {
    for (const other of this.all) {
      void other.follow(tags, timed).then(isNews => isNews && this.changed.emit());
    }
  }

  private add(uid: string): void {
    const free = COLOURS.find(colour => !this.all.some(other => other.colour === colour))!;
    this.chosen.set(uid, new Other(uid, free, this.ask));
  }
}
