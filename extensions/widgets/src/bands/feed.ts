// The feed of distributions: fetches those that are looked at, whole at first and then what is new, at its own pace.

import type { ISaid } from '../line';
import { Signal } from '../signal';
import { Bands, type ITold } from './bands';

const PACE = 500; // ms between two questions of what is followed
const SOON = 20; // ms in which what comes into sight is gathered
const PATIENCE = 3000; // ms after a question that failed
const AGAIN = 2; // distributions that are fetched whole again with one question

/** What the kernel or the server answers: `akidlab.widgets.bands`. */
export interface IBands {
  /** Those that are not known yet. */
  names: string[];
  bands: ITold[];
  /** Some found no room. */
  more: boolean;
}

export interface ISource {
  ask(asked: object): Promise<ISaid<IBands>>;
  /** What changes when there may be something new. */
  readonly state: string;
  readonly isSeen: boolean;
}

export interface IFeedOptions {
  /** Observations of one distribution when it comes whole. */
  points: number;
  /** Observations of one distribution that are kept. */
  capacity: number;
}

export class Feed {
  readonly changed = new Signal();
  readonly known = new Map<string, Bands>();
  names: string[] = [];
  /** Why there is nothing new. */
  note = '';
  /** True once there was an answer. */
  isTold = false;
  private wanted: string[] = [];
  private within: [number, number] | null = null;
  private fresh = new Set<string>(); // known, but not yet within these steps
  private toldOf = '';
  private askedAt = -Infinity;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isFlying = false;
  private isOver = false;
  private hasMore = false;

  constructor(
    private readonly source: ISource,
    private readonly options: IFeedOptions
  ) {}

  dispose(): void {
    this.isOver = true;
    this.pause();
  }

  pause(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** Look at these, and at no others; of all their steps, or of some in more detail. */
  want(tags: string[], within: [number, number] | null = null): void {
    this.wanted = tags;
    if (String(within) !== String(this.within)) {
      this.within = within;
      this.fresh = new Set(this.known.keys());
    }
    this.poke();
  }

  /** There may be news. */
  poke(): void {
    const isMissing = this.wanted.some(tag => this.isMissing(tag));
    const isDue = isMissing || !this.isTold || this.source.state !== this.toldOf || this.hasMore;
    if (!isDue || this.timer !== undefined || this.isFlying || this.isOver || !this.source.isSeen) {
      return;
    }
    const since = performance.now() - this.askedAt;
    const wait = this.note ? PATIENCE - since : isMissing || !this.isTold ? SOON : PACE - since;
    this.timer = setTimeout(() => void this.fetch(), Math.max(0, wait));
  }

  private isMissing(tag: string): boolean {
    return !this.known.has(tag) || this.fresh.has(tag);
  }

  private async fetch(): Promise<void> {
    this.timer = undefined;
    if (!this.source.isSeen) {
      return;
    }
    const { state } = this.source;
    const within = this.within;
    const has = this.has();
    this.isFlying = true;
    this.askedAt = performance.now();
    try {
      const said = await this.source.ask({ names: this.names.length, tags: has, points: this.options.points, within });
      this.note = '';
      if (!this.isOver && String(within) === String(this.within)) {
        this.take(said, has);
        this.toldOf = state;
      }
    } catch (error) {
      this.note = (error as Error).message || 'There was no answer.';
    }
    this.isFlying = false;
    if (!this.isOver) {
      this.changed.emit();
      this.poke();
    }
  }

  /** Of each that is looked at the last step that is here; null for one that is to come whole. */
  private has(): { [tag: string]: [number | null, number] } {
    const stale = this.wanted.filter(tag => this.known.get(tag)?.isStale).slice(0, AGAIN);
    return Object.fromEntries(
      this.wanted.map(tag => {
        const bands = this.known.get(tag);
        const follows = bands && !this.fresh.has(tag) && !stale.includes(tag);
        return [tag, [follows ? bands.lastStep : null, follows ? bands.rewrites : 0]];
      })
    );
  }

  private take({ content, buffers }: ISaid<IBands>, has: { [tag: string]: [number | null, number] }): void {
    const [steps, values] = [new Float64Array(buffers[0]), new Float32Array(buffers[1])];
    this.names.push(...content.names);
    let from = 0;
    for (const told of content.bands) {
      const to = from + told.points;
      this.of(told.tag).take(told, steps.subarray(from, to), values.subarray(9 * from, 9 * to), has[told.tag][0] === null);
      this.fresh.delete(told.tag);
      from = to;
    }
    this.hasMore = content.more;
    this.isTold = true;
  }

  private of(tag: string): Bands {
    let bands = this.known.get(tag);
    if (!bands) {
      this.known.set(tag, (bands = new Bands(tag, this.options.capacity)));
    }
    return bands;
  }
}
