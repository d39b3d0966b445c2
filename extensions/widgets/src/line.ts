// The line of a widget to its kernel: what it was given, what it says, what it is told, and questions with answers.

import { freshId } from './ids';
import { Signal } from './signal';
import type { IAnswer, IModel } from './tokens';

const PATIENCE = 4000; // ms until a question counts as not heard

/** An answer: plain values, and numbers as bytes. */
export interface ISaid<T> {
  content: T;
  buffers: ArrayBuffer[];
}

export interface IMessage {
  content: { kind: string };
  buffers: DataView[];
}

export class Line {
  /** Whatever the kernel says that is no answer. */
  readonly heard = new Signal<IMessage>();
  private readonly waiting = new Map<string, (answer: IAnswer, buffers: DataView[]) => void>();
  private readonly timers = new Set<ReturnType<typeof setTimeout>>();
  private isOver = false;

  constructor(private readonly comm: IModel) {
    comm.on('msg:custom', this.hear as (...args: never[]) => void);
  }

  /** Who still waits for an answer is told nothing any more, and so cannot ask again. */
  dispose(): void {
    this.isOver = true;
    this.timers.forEach(timer => clearTimeout(timer));
    this.timers.clear();
    this.waiting.clear();
    this.comm.off('msg:custom', this.hear as (...args: never[]) => void);
  }

  /** What the widget was given when it was made. */
  get head(): unknown {
    return this.comm.get('head');
  }

  /** By which all views of the widget find each other. */
  get key(): string {
    return this.comm.get('_key') as string;
  }

  /** What serves the widgets of the page. */
  get manager(): object | undefined {
    return this.comm.widget_manager;
  }

  send(content: object): void {
    this.comm.send(content);
  }

  /** Ask the kernel; fails with its reason, or when it is busy for too long. */
  ask<T>(question: string, asked: object = {}, patience = PATIENCE): Promise<ISaid<T>> {
    const id = freshId();
    return new Promise<ISaid<T>>((resolve, reject) => {
      if (this.isOver) {
        return;
      }
      const timer = setTimeout(() => {
        this.timers.delete(timer);
        this.waiting.delete(id);
        reject(new Error('The kernel is busy, or gone. Try again when it is idle.'));
      }, patience);
      this.timers.add(timer);
      this.waiting.set(id, (answer, buffers) => {
        clearTimeout(timer);
        this.timers.delete(timer);
        if (answer.error !== undefined) {
          reject(new Error(answer.error));
        } else {
          resolve({ content: answer.content as T, buffers: buffers.map(bytes) });
        }
      });
      this.comm.send({ kind: 'ask', id, question, asked });
    });
  }

  private hear = (content: { kind: string }, buffers: DataView[]): void => {
    if (content.kind === 'answer') {
      const answer = content as IAnswer;
      this.waiting.get(answer.id)?.(answer, buffers);
      this.waiting.delete(answer.id);
    } else {
      this.heard.emit({ content, buffers });
    }
  };
}

/** A buffer of a message as one of its own: those of a message lie at odd places of a larger one. */
export function bytes(view: DataView): ArrayBuffer {
  return view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength) as ArrayBuffer;
}
