// What the kernel and the server say, as the browser sees it: mirrors of Run, Series, Event and Log.

export type Status = 'preparing' | 'running' | 'paused' | 'finished' | 'stopped' | 'failed' | 'lost';

export interface IRun {
  uid: string;
  name: string;
  status: Status;
  live: boolean;
  step: number;
  epoch: number;
  max_steps: number | null;
  world_size: number;
  /** The numbers of processes that it may go on with, 1 for its notebook's own; none if it cannot be moved. */
  places: number[];
  samples_per_second: number | null;
  elapsed: number | null;
  error: string | null;
  /** Runs that are drawn over it from the start. */
  others?: string[];
  /** The uid of the run that it was branched from. */
  parent?: string;
  /** The variable of the notebook that holds its kid. */
  kid?: string;
}

export interface IEvent {
  id: number;
  kind: string;
  step: number;
  time: number;
  data: { [key: string]: unknown };
}

export interface ILog {
  id: number;
  step: number;
  text: string;
  level: string;
  rank: number;
  time: number;
}

/** Of a rank: the place of its host, its process, what it does, its step, the checksum of its weights; how many times
 * the work of the others it does (0 where it keeps up); the step at which its weights were found to differ, or 0. */
export type IRankRow = [host: number, pid: number, state: string, step: number, checksum: string | null, lags: number, drifts: number];

/** What is known of each rank of a run. */
export interface IRanks {
  hosts: string[];
  rows: IRankRow[];
}

/** Which lines of a log are wanted: null stands for all. */
export interface ILogFilter {
  rank: number | null;
  level: 'output' | 'errors' | null;
  before: number | null;
}

/** Lines of a log, oldest first, and whether there are more before them. */
export interface ILogPage {
  logs: ILog[];
  more: boolean;
}

/** All that is known of a run, as the server's route gives it; `null` stands for a value that is not finite. */
export interface IHistory {
  run: IRun;
  series: { [tag: string]: { steps: number[]; values: (number | null)[] } };
  events: IEvent[];
  logs: ILog[];
  ranks?: IRanks | null;
  has?: string[];
}

/** What the kernel sends at every tick: its buffers hold the steps (float64) and the values (float32) end to end. */
export interface ITick {
  kind: 'tick';
  seq: number;
  /** The whole series, thinned, instead of what is new since the tick before. */
  full: boolean;
  /** Something is missing in this one, for it had to fit a tick: points of its series, or whole series. */
  coarse: boolean;
  /** The answer to a question for the whole history: the best there is. */
  answer: boolean;
  /** The run went back to an earlier step: what was drawn is void. */
  anew: boolean;
  run: IRun;
  series: [tag: string, count: number][];
  events: IEvent[];
  logs: ILog[];
  /** What is known of the ranks; null where that is no news. */
  ranks?: IRanks | null;
  /** What else there is to see of the run. */
  has?: string[];
}

/** The kernel's answer to a question that went over the comm, or why there is none. */
export interface IAnswer {
  kind: 'answer';
  id: string;
  content?: unknown;
  error?: string;
}

/** The kernel's answer to a command that went over the comm. */
export interface IAck {
  kind: 'ack';
  id: string;
  ok: boolean;
  error?: string;
}

export type Action = 'pause' | 'resume' | 'step' | 'stop' | 'rate' | 'timeline' | 'ranks' | 'save' | 'note' | 'profile';

export interface ICommand {
  action: Action;
  value: number | null;
  id: string;
  /** Of a note. */
  text?: string;
}

/** The part of an anywidget model that is used here. */
export interface IModel {
  get(name: string): unknown;
  send(content: unknown): void;
  on(name: string, callback: (...args: never[]) => void): void;
  off(name: string, callback?: (...args: never[]) => void): void;
  widget_manager?: object;
}
