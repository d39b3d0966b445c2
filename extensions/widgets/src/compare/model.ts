// The model of a comparison: the runs, their curves, and what differs. Runs that train are followed while somebody looks.

import type { Server } from '../api';
import type { IView, IWidget } from '../kinds';
import type { ISaid, Line } from '../line';
import { Series } from '../series';
import { Signal } from '../signal';
import { cut } from './said';
import type { IAbout, ICompared, ICompareHead, ICurves } from './tokens';

const PACE = 500; // ms between two looks at curves that grow
const SLOW = 5000; // ms between two looks at what differs, while something trains
const PATIENCE = 3000; // ms after a question that failed

export class CompareModel implements IWidget {
  readonly changed = new Signal();
  /** Other curves, or other things that differ. */
  readonly told = new Signal();
  runs: ICompared[];
  about: IAbout | null = null;
  tags: string[] = [];
  private readonly curves = new Map<string, Map<string, Series>>();
  private readonly watchers = new Set<object>();
  private readonly ends: () => void;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asking = false;
  private lookedAt = -Infinity;

  constructor(
    private readonly line: Line,
    readonly server: Server | null,
    private readonly make: (model: CompareModel) => IView
  ) {
    const { uids, names, live } = line.head as ICompareHead;
    this.runs = uids.map((uid, at) => ({ uid, name: names[at], status: 'preparing', live: live[at], step: 0, max_steps: null }));
    this.ends = line.heard.connect(() => this.changed.emit());
    void this.look();
  }

  view(): IView {
    return this.make(this);
  }

  dispose(): void {
    this.ends();
    clearTimeout(this.timer);
    this.watchers.clear();
  }

  /** The curve of a run; empty while it has none. */
  series(uid: string, tag: string): Series {
    return this.curves.get(tag)?.get(uid) ?? new Series();
  }

  /** Somebody looks, or looks away. */
  watch(who: object, looks: boolean): void {
    if (looks === this.watchers.has(who)) {
      return;
    }
    if (looks) {
      this.watchers.add(who);
      this.later(0);
    } else {
      this.watchers.delete(who);
    }
  }

  /** Ask about the runs: the server while one of them trains, for the kernel may be busy with that; else the kernel. */
  async ask<T>(what: string, more: object = {}): Promise<ISaid<T>> {
    const asked = { what, uids: this.runs.map(run => run.uid), ...more };
    const live = this.runs.find(run => run.live);
    if (this.server && live) {
      try {
        return await this.server.ask<T>(live.uid, 'comparison', asked);
      } catch {
        // it may have ended, and the server has never known it: the kernel does
      }
    }
    return this.line.ask<T>('comparison', asked);
  }

  private later(pause: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.look(), pause);
  }

  /** Fetch what is missing, then what grew. */
  private async look(): Promise<void> {
    if (this.asking) {
      return;
    }
    this.asking = true;
    let pause = PACE;
    try {
      if (!this.about || performance.now() - this.lookedAt > SLOW) {
        await this.learn();
      }
      await this.follow();
      this.changed.emit();
      this.told.emit();
    } catch {
      pause = PATIENCE;
    } finally {
      this.asking = false;
    }
    if (!this.about || this.lookedAt === -Infinity || (this.watchers.size && this.runs.some(run => run.live))) {
      this.later(pause);
    }
  }

  private async learn(): Promise<void> {
    this.about = (await this.ask<IAbout>('about')).content;
    this.lookedAt = performance.now();
    this.runs = this.about.runs;
    this.tags = this.about.tags;
  }

  /** The curves of the runs that train; of one that has ended all of it, once. */
  private async follow(): Promise<void> {
    const [live, ended] = [true, false].map(is => this.runs.filter(run => run.live === is && (is || !this.whole.has(run.uid))).map(run => run.uid));
    for (const wanted of [ended, live].filter(uids => uids.length)) {
      const { content, buffers } = await this.ask<ICurves>('curves', { wanted });
      for (const { uid, tag, steps, values } of cut(content, buffers)) {
        const series = new Series();
        series.rebase(steps, values);
        this.curves.set(tag, (this.curves.get(tag) ?? new Map<string, Series>()).set(uid, series));
      }
      this.tags = content.tags.length > this.tags.length ? content.tags : this.tags;
      this.take(content.runs);
      if (wanted === ended) {
        ended.forEach(uid => this.whole.add(uid));
      }
    }
  }

  /** The runs whose curves are known to their end. */
  private readonly whole = new Set<string>();

  private take(now: ICompared[]): void {
    for (const run of now) {
      const at = this.runs.findIndex(({ uid }) => uid === run.uid);
      if (this.runs[at].live && !run.live) {
        this.lookedAt = -Infinity; // what it came to is news
        this.later(0);
      }
      this.runs[at] = run;
    }
  }
}
