// What the kernel and the server say about several runs, as the browser sees it.

import type { IGraph } from '../graph/graph';
import type { Status } from '../tokens';

export interface ICompared {
  uid: string;
  name: string;
  status: Status;
  live: boolean;
  step: number;
  max_steps: number | null;
}

export type Value = string | number | boolean | null;
export type ChangeKind = 'parameter' | 'seed' | 'data' | 'code' | 'graph' | 'version' | 'act';

/** Something in which the runs differ: what it is in each of them; of code and graphs how each differs from the first. */
export interface IChange {
  kind: ChangeKind;
  name: string;
  values: Value[];
}

export interface IAbout {
  runs: ICompared[];
  tags: string[];
  changes: IChange[];
  table: { [column: string]: Value }[];
}

/** The buffers hold the steps (float64) and the values (float32) of all series, end to end. */
export interface ICurves {
  runs: ICompared[];
  tags: string[];
  series: [uid: string, tag: string, count: number][];
}

/** What became of the first graph in another one, in words, by the ids of nodes. */
export interface IGraphChanges {
  added: { [id: string]: string };
  removed: { [id: string]: string };
  changed: { [id: string]: string };
  rewired: { [id: string]: string };
}

export interface IGraphs {
  graphs: (IGraph | null)[];
  differences: (IGraphChanges | null)[];
}

export interface ICompareHead {
  uids: string[];
  names: string[];
  live: boolean[];
}
