// The tabs of a dashboard, in their order. To add one: a class that is an `ITab` in a folder of its own, and an entry
// in TABS. It is made when it is first shown, is told to draw only while it is shown, and fetches what it draws by
// `model.ask`, at most twice a second and only while `host.isSeen`. Its style sheet is imported by `main.ts`; colours
// come from the custom properties of `dashboard.css`. Keys that it takes call `preventDefault`.

import { Distributions } from '../bands/tab';
import { warned } from '../format';
import { GraphTab } from '../graph/tab';
import type { DashboardModel } from '../model';
import { PicturesTab } from '../pictures/tab';
import { complaints, table } from '../ranks';
import { Curves } from './curves';
import { Log } from './log';
import type { IChartHost } from './panel';
import { Ranks } from './ranks';

export interface ITab {
  readonly node: HTMLElement;
  /** What stands beside the names of the tabs while this one is shown. */
  readonly tools?: HTMLElement;
  /** What its keys do, for the list that `?` opens: such as `['+', 'Zoom in']`. */
  readonly keys?: [key: string, does: string][];
  /** Draw what the model knows now: called only while it is shown, at most once a frame. */
  update(): void;
  /** It is shown no more, until the next `update`: let timers rest. */
  pause?(): void;
  /** Its size changed. */
  resize?(): void;
  /** The page became light or dark. */
  redraw?(): void;
  /** Show only what has these words in its name. */
  find?(words: string): void;
  /** Close what is open, the innermost first; false if nothing is. */
  escape?(): boolean;
  dispose(): void;
}

/** What a tab may ask of the dashboard that holds it. */
export interface ITabHost extends IChartHost {
  /** False while the dashboard is scrolled out of sight, or its page is hidden: then nothing needs to be fetched. */
  readonly isSeen: boolean;
  /** Show the tab of this name; of what it shows, only what has these words in its name. */
  show(name: string, words?: string): void;
}

export interface IEntry {
  name: string;
  /** Whether the run has something to show there; a tab that is not there is not in the list. */
  isThere(model: DashboardModel): boolean;
  /** What is wrong there, in few words: it marks the tab. Empty if nothing is. */
  mark?(model: DashboardModel): string;
  make(model: DashboardModel, host: ITabHost): ITab;
}

export const TABS: IEntry[] = [
  { name: 'Curves', isThere: () => true, make: (model, host) => new Curves(model, host) },
  { name: 'Distributions', isThere: () => true, make: (model, host) => new Distributions(model, host) },
  { name: 'Filters', isThere: model => model.has.has('filters'), make: (model, host) => new PicturesTab(model, host, 'filters') },
  { name: 'Feature maps', isThere: model => model.has.has('maps'), make: (model, host) => new PicturesTab(model, host, 'maps') },
  { name: 'Graph', isThere: () => true, make: (model, host) => new GraphTab(model, host) },
  {
    name: 'Ranks',
    isThere: model => model.ranks !== null,
    mark: model => (model.ranks ? complaints(table(model.ranks, model.series)).join(', ') : ''),
    make: (model, host) => new Ranks(model, host)
  },
  {
    name: 'Log',
    isThere: () => true,
    mark: model => warned(model.events),
    make: model => new Log(model)
  }
];
