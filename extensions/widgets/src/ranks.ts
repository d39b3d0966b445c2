// What is known of the ranks of a run, as it is shown: a row for each, who is not well, and the bars of a timeline.

import { RANKS } from './groups';
import type { Series } from './series';
import type { IRankRow, IRanks } from './tokens';

/** A rank with the last of what was measured of it. */
export interface IRank {
  rank: number;
  host: string;
  pid: number;
  state: string;
  step: number;
  checksum: string | null;
  lags: number;
  drifts: number;
  stepTime?: number;
  own?: number;
  wait?: number;
  bytes?: number;
  norm?: number;
}

/** The ranks in their order. */
export function table(ranks: IRanks, series: ReadonlyMap<string, Series>): IRank[] {
  return ranks.rows.map(([host, pid, state, step, checksum, lags, drifts]: IRankRow, rank) => {
    const last = (name: string) => series.get(`${RANKS}/${name}/${rank}`)?.last;
    const measured = { stepTime: last('step_ms'), own: last('own_ms'), wait: last('wait_ms'), bytes: last('bytes'), norm: last('gradient_norm') };
    return { rank, host: ranks.hosts[host] ?? '', pid, state, step, checksum, lags, drifts, ...measured };
  });
}

/** Which ranks are not well, in few words; empty if all are. */
export function complaints(ranks: IRank[]): string[] {
  return ranks.flatMap(({ rank, state, lags, drifts }) => [
    ...(state === 'lost' || state === 'failed' ? [`rank ${rank} ${state === 'lost' ? 'is lost' : 'failed'}`] : []),
    ...(lags ? [`rank ${rank} lags ${times(lags)}`] : []),
    ...(drifts ? [`rank ${rank} drifts`] : [])
  ]);
}

/** ×1.6, ×25. */
export function times(number: number): string {
  return `×${number >= 10 ? Math.round(number) : number.toPrecision(2)}`;
}

/** A bar of a timeline: what a rank did from `start` on, in milliseconds. */
export interface IBar {
  rank: number;
  kind: 'own' | 'wait' | 'other';
  name: string;
  start: number;
  length: number;
  step: number | null;
  bytes: number;
}

interface ITrace {
  traceEvents: { name: string; cat?: string; ph: string; pid: number; ts?: number; dur?: number; args?: { step?: number; bytes?: number; name?: string } }[];
}

export interface ITimeline {
  /** What each lane is called, by rank. */
  lanes: string[];
  bars: IBar[];
  /** Milliseconds in all. */
  length: number;
}

/** The bars of a trace as Chrome has it. */
export function timeline(text: string): ITimeline {
  const { traceEvents } = JSON.parse(text) as ITrace;
  const lanes: string[] = [];
  const bars: IBar[] = [];
  for (const { name, cat, ph, pid, ts = 0, dur = 0, args = {} } of traceEvents) {
    if (ph === 'M') {
      lanes[pid] = args.name ?? `rank ${pid}`;
    } else if (ph === 'X') {
      const kind = cat === 'own' || cat === 'wait' ? cat : 'other';
      bars.push({ rank: pid, kind, name, start: ts / 1000, length: dur / 1000, step: args.step ?? null, bytes: args.bytes ?? 0 });
    }
  }
  const length = Math.max(0, ...bars.map(bar => bar.start + bar.length));
  return { lanes, bars, length };
}

/** Of each step what it took each rank: its own work, and averaging; null where that is not known. */
export function steps({ lanes, bars }: ITimeline): [step: number, own: (number | null)[], wait: (number | null)[]][] {
  const rows = new Map<number, [(number | null)[], (number | null)[]]>();
  for (const { step, kind, rank, length } of bars) {
    if (step !== null && kind !== 'other') {
      const row = rows.get(step) ?? rows.set(step, [lanes.map(() => null), lanes.map(() => null)]).get(step)!;
      row[kind === 'own' ? 0 : 1][rank] = length;
    }
  }
  return [...rows].sort(([a], [b]) => a - b).map(([step, [own, wait]]) => [step, own, wait]);
}

/** Round numbers from 0 to `length`, about `many` of them. */
export function ticks(length: number, many: number): number[] {
  const least = length / Math.max(1, many);
  const decade = 10 ** Math.floor(Math.log10(Math.max(least, 1e-3)));
  const each = [1, 2, 5, 10].map(n => n * decade).find(n => n >= least) ?? 10 * decade;
  return Array.from({ length: Math.floor(length / each + 1e-9) + 1 }, (_, i) => Number((i * each).toPrecision(12)));
}
