// The feed of pictures: fetches those of a step, a few at a time, and follows the newest while they are looked at.

import type { ISaid } from '../line';
import { Signal } from '../signal';
import { pictures, type IPicture, type ITold } from './picture';

const PACE = 1000; // ms between two questions of what is followed
const SOON = 30; // ms until what found no room is asked for
const PATIENCE = 3000; // ms after a question that failed

/** What the kernel or the server answers: `akidlab.widgets.pictures`. */
export interface IPictures {
  names: string[];
  steps: number[];
  pictures: ITold[];
  more: boolean;
}

export interface ISource {
  ask(asked: object): Promise<ISaid<IPictures>>;
  /** What changes when there may be something new. */
  readonly state: string;
  readonly isSeen: boolean;
}

export class Feed {
  readonly changed = new Signal();
  readonly known = new Map<string, IPicture>();
  names: string[] = [];
  steps: number[] = [];
  /** As of which step; null follows the newest. */
  step: number | null = null;
  /** Why there is nothing new. */
  note = '';
  isTold = false;
  private toldOf = '';
  private askedAt = -Infinity;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isFlying = false;
  private isOver = false;
  private hasMore = true;

  constructor(
    private readonly source: ISource,
    private readonly topic: string
  ) {}

  dispose(): void {
    this.isOver = true;
    this.pause();
  }

  pause(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** Look at the pictures of a step, null for the newest. */
  want(step: number | null): void {
    if (step !== this.step) {
      this.step = step;
      this.hasMore = true;
      this.pause();
    }
    this.poke();
  }

  /** There may be news. */
  poke(): void {
    const isNews = this.source.state !== this.toldOf;
    if (!(isNews || this.hasMore) || this.timer !== undefined || this.isFlying || this.isOver || !this.source.isSeen) {
      return;
    }
    const since = performance.now() - this.askedAt;
    this.timer = setTimeout(() => void this.fetch(), Math.max(0, this.note ? PATIENCE - since : this.hasMore ? SOON : PACE - since));
  }

  private async fetch(): Promise<void> {
    this.timer = undefined;
    if (!this.source.isSeen) {
      return;
    }
    const { step } = this;
    const { state } = this.source;
    this.isFlying = true;
    this.askedAt = performance.now();
    try {
      const has = Object.fromEntries([...this.known].map(([tag, picture]) => [tag, picture.step]));
      const { content, buffers } = await this.source.ask({ topic: this.topic, step, has });
      this.note = '';
      if (step === this.step) {
        pictures(content.pictures, buffers).forEach(picture => this.known.set(picture.tag, picture));
        [this.names, this.steps, this.hasMore] = [content.names, content.steps, content.more];
        [this.toldOf, this.isTold] = [state, true];
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
}
