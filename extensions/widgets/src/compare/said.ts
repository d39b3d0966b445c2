// How comparisons read and are sorted; no page is needed.

import type { ChangeKind, IChange, ICurves, IGraphChanges, Value } from './tokens';

const TITLES: { [kind in ChangeKind]: string } = {
  parameter: 'Parameters', seed: 'Seeds', data: 'Data', code: 'Code', graph: 'Graph', version: 'Versions', act: 'Done while it trained'
};

/** The changes under their headings, in the order in which they came. */
export function headed(changes: IChange[]): [heading: string, changes: IChange[]][] {
  const groups = new Map<string, IChange[]>();
  for (const change of changes) {
    const heading = TITLES[change.kind];
    groups.set(heading, [...(groups.get(heading) ?? []), change]);
  }
  return [...groups];
}

/** A value as it is read; what is not there is a dash. */
export function said(found: Value): string {
  if (found === null || found === '') {
    return '–';
  }
  return typeof found === 'number' ? String(Number(found.toPrecision(Number.isInteger(found) ? 15 : 4))) : String(found);
}

/** The rows by one column, numbers as numbers, what is missing last; `down` has the greatest first. */
export function sorted<T extends { [column: string]: Value }>(rows: T[], column: string, down: boolean): T[] {
  const missing = (row: T) => row[column] === null || row[column] === undefined;
  return [...rows].sort((one, other) => {
    if (missing(one) || missing(other)) {
      return Number(missing(one)) - Number(missing(other));
    }
    const [a, b] = [one[column]!, other[column]!];
    const order = typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true });
    return down ? -order : order;
  });
}

/** The curves of an answer, cut out of its two buffers: for each run and tag its steps and values. */
export function cut({ series }: ICurves, buffers: ArrayBuffer[]): { uid: string; tag: string; steps: number[]; values: number[] }[] {
  const steps = new Float64Array(buffers[0]);
  const values = new Float32Array(buffers[1]);
  let from = 0;
  return series.map(([uid, tag, count]) => {
    const part = { uid, tag, steps: Array.from(steps.subarray(from, from + count)), values: Array.from(values.subarray(from, from + count)) };
    from += count;
    return part;
  });
}

export type Mark = 'added' | 'removed' | 'changed' | 'rewired';

/** How each node of the first graph, or of the other, is marked; of a node that changed and is rewired, that it changed. */
export function marks(changes: IGraphChanges, other: boolean): Map<string, { mark: Mark; said: string }> {
  const found = new Map<string, { mark: Mark; said: string }>();
  for (const mark of ['rewired', 'changed', other ? 'added' : 'removed'] as const) {
    for (const [id, what] of Object.entries(changes[mark])) {
      const before = found.get(id);
      found.set(id, { mark, said: before ? `${what}; ${before.said}` : what });
    }
  }
  return found;
}

/** A line of a difference between codes: what stands before it tells whether it came or went. */
export function signOf(line: string): 'came' | 'went' | null {
  return line.startsWith('+') ? 'came' : line.startsWith('-') ? 'went' : null;
}
