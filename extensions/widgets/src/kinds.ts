// What a widget is to the page: a model for each widget in the kernel, and as many views of it as there are
// outputs that show it. Each kind of widget is an entry of the table in `main.ts`.

import type { Line } from './line';
import type { Signal } from './signal';

export interface IView {
  readonly node: HTMLElement;
  dispose(): void;
}

export interface IWidget {
  /** Told when the kernel said something: before that, there may be none. */
  readonly changed: Signal;
  view(): IView;
  dispose(): void;
}

/** Makes the model of a widget, given the line to its kernel. */
export type Kind = (line: Line) => IWidget;
