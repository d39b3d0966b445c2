// The model of a builder: what the kernel knows of the brain, and acts on their way to it.

import type { IView, IWidget } from '../kinds';
import type { Line } from '../line';
import { Signal } from '../signal';
import { newcomers, type IKind, type IOption, type IState } from './state';
import { BuilderView } from './view';

const LONG = 30_000; // ms that an act may take

export class BuilderWidget implements IWidget {
  readonly changed = new Signal();
  /** The state is new. */
  readonly told = new Signal();
  /** What went wrong with the last act; empty for nothing. */
  readonly failed = new Signal<string>();
  state: IState | null = null;
  kinds: IKind[] = [];
  /** The block that is chosen, for a view that comes anew. */
  chosen: string | null = null;
  private readonly end: () => void;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private queue: Promise<unknown> = Promise.resolve();

  constructor(readonly line: Line) {
    this.end = line.heard.connect(({ content }) => {
      if (content.kind === 'changed') {
        void this.ask();
      }
    });
    void this.ask();
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.end();
  }

  view(): IView {
    return new BuilderView(this);
  }

  /** Have something done; returns the blocks that are new, null where it could not be done. */
  do(act: string, args: object = {}): Promise<string[] | null> {
    const done = this.queue.then(async () => {
      try {
        const before = this.state?.graph ?? null;
        const { content } = await this.line.ask<IState>('do', { act, arguments: args }, LONG);
        this.take(content);
        this.failed.emit('');
        return newcomers(before, content.graph);
      } catch (error) {
        this.failed.emit((error as Error).message);
        return null;
      }
    });
    this.queue = done;
    return done;
  }

  async form(id: string): Promise<IOption[]> {
    return (await this.line.ask<{ options: IOption[] }>('form', { id })).content.options;
  }

  /** What would be wrong with an option of a block; empty for nothing, and while the kernel is busy. */
  async check(id: string, option: string, text: string): Promise<string> {
    try {
      return (await this.line.ask<{ error: string }>('check', { id, option, text })).content.error;
    } catch {
      return '';
    }
  }

  private take(state: IState): void {
    this.state = state;
    this.changed.emit();
    this.told.emit();
  }

  /** Ask until the kernel, which may be busy, answers; before that, the picture stays where it is. */
  private async ask(pause = 2000): Promise<void> {
    clearTimeout(this.timer);
    try {
      if (!this.kinds.length) {
        this.kinds = (await this.line.ask<{ kinds: IKind[] }>('palette')).content.kinds;
      }
      this.take((await this.line.ask<IState>('state')).content);
    } catch {
      this.timer = setTimeout(() => void this.ask(Math.min(2 * pause, 30_000)), pause);
    }
  }
}
