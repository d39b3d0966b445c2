// The model of a dashboard: the history of one run, how it is kept whole, and the commands on their way.
// One per widget model; every view of it draws from here.

import { Ancestry } from './ancestry';
import { NotFound, type Server } from './api';
import { insertBelow } from './cells';
import { freshId } from './ids';
import { bytes, type IMessage, type ISaid, type Line } from './line';
import { Others } from './others';
import { Series } from './series';
import { Signal } from './signal';
import { Times } from './times';
import type { Action, IAck, ICommand, IEvent, IHistory, ILog, IRanks, IRun, ITick } from './tokens';

const PATIENCE = 2000; // ms until a command that nobody took is reported
const COURTESY = 500; // ms that the kernel has to answer before the server is asked
const REFUSED = new Set<Action>(['ranks', 'save', 'note']); // acts that a run may refuse
const RETRY = 3000; // ms until a history that did not come is asked for again

/** A command on its way: who has taken it, and whether the user was told that nobody did. */
export interface IPending {
  command: ICommand;
  state: 'sent' | 'taken' | 'lost';
  /** Why one of the two ways could not deliver it. */
  error?: string;
}

export class DashboardModel {
  readonly changed = new Signal();
  readonly acted = new Signal<IPending>();

  run: IRun;
  readonly series = new Map<string, Series>();
  events: IEvent[] = [];
  logs: ILog[] = [];
  ranks: IRanks | null = null;
  /** What else there is to see of the run, by the names of `PARTS` in `akidlab.widgets.description`. */
  has: ReadonlySet<string> = new Set();
  /** Steps per second over the last seconds of training; null while it is not known. */
  pace: number | null = null;
  pending = new Map<Action, IPending>();
  /** The tab that was shown last, for the next view. */
  tab = '';
  /** Charts that are not shown, and those that stand first, for the next view. */
  readonly hidden = new Set<string>();
  readonly front = new Set<string>();
  readonly times = new Times();
  readonly others: Others;
  readonly ancestry: Ancestry;
  /** The variable of the notebook that holds the kid of the run, where there was one when this began. */
  readonly kid: string | null;

  private readonly end: () => void;
  private isUnknown = false;
  private seq: number | null = null;
  private whole = false;
  private askedAt = -Infinity;
  private timedAt = -Infinity;
  private paceMarks: [step: number, elapsed: number][] = [];

  constructor(
    private readonly line: Line,
    readonly server: Server | null
  ) {
    this.run = line.head as IRun;
    this.others = new Others((question, asked) => this.ask(question, asked), this.run.others);
    this.ancestry = new Ancestry((question, asked) => this.ask(question, asked), Boolean(this.run.parent));
    this.ancestry.changed.connect(() => this.changed.emit());
    this.kid = this.run.kid ?? null;
    this.end = line.heard.connect(message => this.hear(message));
    this.sync();
  }

  dispose(): void {
    this.end();
    this.ancestry.dispose();
  }

  get uid(): string {
    return this.run.uid;
  }

  /** Ask for the whole history, of the kernel and, if that is busy, of the server. */
  sync(): void {
    if (performance.now() - this.askedAt < RETRY) {
      return;
    }
    this.askedAt = performance.now();
    this.line.send({ kind: 'sync' });
    setTimeout(() => void this.syncWithServer(), COURTESY);
  }

  private async syncWithServer(): Promise<void> {
    if (this.whole || !this.server || !this.run.live) {
      return;
    }
    try {
      this.takeHistory(await this.server.series(this.uid));
    } catch {
      // the kernel may still answer; the next gap asks again
    }
  }

  /** Send a command by both ways; its id makes it count once. A past run has but its kernel. */
  act(action: Action, value: number | null = null, text?: string): void {
    const command: ICommand = { action, value, id: freshId(), ...(text === undefined ? {} : { text }) };
    const pending: IPending = { command, state: 'sent' };
    this.pending.set(action, pending);
    this.acted.emit(pending);
    this.line.send({ kind: 'command', ...command });
    const server = this.run.live ? this.server : null;
    server?.command(this.uid, command).then(
      () => this.settle(command.id, 'taken'),
      (error: Error) => this.refuse(command.id, error.message) // the comm is the second way
    );
    setTimeout(() => this.settle(command.id, 'lost'), PATIENCE);
  }

  /**
   * Ask about the run: the server if it can tell, else the kernel, which answers when it is idle.
   *
   * @param question one of those that `akidlab.widgets.questions` knows
   * @param asked what is wanted, by name
   */
  async ask<T>(question: string, asked: object = {}): Promise<ISaid<T>> {
    if (!this.server || !this.run.live || this.isUnknown) {
      return this.line.ask<T>(question, asked);
    }
    try {
      return await this.server.ask<T>(this.uid, question, asked);
    } catch (error) {
      if (!(error instanceof NotFound)) {
        throw error;
      }
      this.isUnknown = true; // no process offers this run: what trains is a loop without a session
      return this.line.ask<T>(question, asked);
    }
  }

  /** Put a cell below the one that shows this view; false where the page takes none. */
  insertCell(source: string, view: Element): boolean {
    return insertBelow(this.line.manager, this.line.key, source, view);
  }

  /** Fetch what led to a run that is a branch: how it came, and these curves. */
  followAncestors(tags: string[]): void {
    void this.ancestry.follow(tags);
  }

  /** Fetch when the newest steps were made, for an axis of time: once a second while it lives. */
  followTimes(): void {
    const now = performance.now();
    if (now - this.timedAt < 1000 || (this.times.lastStep >= 0 && !this.run.live)) {
      return;
    }
    this.timedAt = now;
    this.ask('times', { since: this.times.lastStep }).then(
      ({ buffers }) => {
        this.times.take(new Float64Array(buffers[0]), new Float32Array(buffers[1]));
        this.changed.emit();
      },
      () => undefined // it is asked again
    );
  }

  private hear({ content, buffers }: IMessage): void {
    if (content.kind === 'tick') {
      this.takeTick(content as ITick, buffers);
    } else if (content.kind === 'ack') {
      const { id, ok, error } = content as IAck;
      if (ok) {
        this.settle(id, 'taken');
      } else {
        this.refuse(id, error);
      }
    }
  }

  private takeTick(tick: ITick, buffers: DataView[]): void {
    if (tick.anew) {
      this.series.clear();
      this.whole = false;
    }
    if (tick.full) {
      if (!this.whole || tick.answer) {
        this.takeSeries(tick, buffers);
        this.whole = !tick.coarse;
        this.seq = tick.seq;
      }
    } else {
      const follows = this.seq === null ? this.whole || tick.seq === 1 : tick.seq === this.seq + 1;
      this.whole = follows && !tick.coarse && (this.whole || tick.seq === 1);
      this.takeSeries(tick, buffers);
      this.seq = tick.seq;
    }
    this.takeRun(tick.run);
    this.ranks = tick.ranks ?? this.ranks;
    this.has = new Set(tick.has);
    this.takeEvents(tick.events, tick.logs);
    if (!this.whole) {
      this.sync();
    }
    this.changed.emit();
  }

  private takeSeries(tick: ITick, buffers: DataView[]): void {
    const steps = new Float64Array(bytes(buffers[0]));
    const values = new Float32Array(bytes(buffers[1]));
    let from = 0;
    for (const [tag, count] of tick.series) {
      const part = [steps.subarray(from, from + count), values.subarray(from, from + count)] as const;
      const series = this.of(tag);
      if (tick.full) {
        series.rebase(...part);
      } else {
        series.extend(...part);
      }
      from += count;
    }
  }

  private takeHistory(history: IHistory): void {
    for (const [tag, { steps, values }] of Object.entries(history.series)) {
      this.of(tag).rebase(steps, values.map(value => value ?? NaN));
    }
    if (history.run.step >= this.run.step) {
      this.takeRun(history.run); // else it was overtaken on its way
    }
    this.ranks = history.ranks ?? this.ranks;
    this.has = new Set(history.has);
    this.takeEvents(history.events, history.logs);
    this.whole = true;
    this.changed.emit();
  }

  private takeRun(run: IRun): void {
    this.run = run;
    this.measurePace(run);
    const { status } = run;
    this.reach('pause', status !== 'running' && status !== 'preparing');
    this.reach('resume', status !== 'paused');
    this.reach('stop', !run.live);
    this.reach('ranks', !run.live);
  }

  private takeEvents(events: IEvent[], logs: ILog[]): void {
    const known = new Set(this.events.map(event => event.id));
    const fresh = events.filter(event => !known.has(event.id));
    this.events = [...this.events, ...fresh].sort((a, b) => a.id - b.id);
    const logged = new Set(this.logs.map(log => log.id));
    this.logs = [...this.logs, ...logs.filter(log => !logged.has(log.id))].slice(-500);
    for (const { data } of fresh) {
      this.settle(String(data.id), 'taken');
      this.finish(String(data.id));
    }
  }

  private measurePace(run: IRun): void {
    if (run.elapsed === null || run.status !== 'running') {
      this.paceMarks = [];
      return;
    }
    this.paceMarks.push([run.step, run.elapsed]);
    this.paceMarks = this.paceMarks.filter(([, at]) => run.elapsed! - at <= 10);
    const [step, at] = this.paceMarks[0];
    if (run.elapsed - at >= 1 && run.step > step) {
      this.pace = (run.step - step) / (run.elapsed - at);
    }
  }

  private settle(id: string, state: 'taken' | 'lost'): void {
    for (const pending of this.pending.values()) {
      if (pending.command.id === id && (pending.state === 'sent' || (pending.state === 'lost' && state === 'taken'))) {
        pending.state = state;
        this.acted.emit(pending);
      }
    }
  }

  private refuse(id: string, error?: string): void {
    for (const pending of this.pending.values()) {
      if (pending.command.id === id) {
        pending.error = error;
        if (REFUSED.has(pending.command.action)) {
          this.settle(id, 'lost'); // it was heard, and refused
        }
      }
    }
  }

  /** The act of this id was seen to have happened. */
  private finish(id: string): void {
    for (const [action, pending] of this.pending) {
      if (pending.command.id === id) {
        this.pending.delete(action);
      }
    }
  }

  private reach(action: Action, reached: boolean): void {
    if (reached) {
      this.pending.delete(action);
    }
  }

  private of(tag: string): Series {
    let series = this.series.get(tag);
    if (!series) {
      this.series.set(tag, (series = new Series()));
    }
    return series;
  }
}
