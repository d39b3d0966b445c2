// A Series in the browser: the points of one tag, kept thin enough for the eye.

const CAPACITY = 8192;

/** Some points, whose steps ascend. */
export interface IPoints {
  steps: ArrayLike<number>;
  values: ArrayLike<number>;
}

export class Series {
  steps: number[] = [];
  values: number[] = [];

  get length(): number {
    return this.steps.length;
  }

  get lastStep(): number {
    return this.steps.at(-1) ?? -Infinity;
  }

  get last(): number | undefined {
    return this.values.at(-1);
  }

  /** The value at a step, or at the one before that is nearest. */
  at(step: number): number | undefined {
    return this.values[Math.max(0, firstFrom(this.steps, step + 1) - 1)];
  }

  /** Append what is newer than the last step; what is not is known already. */
  extend(steps: ArrayLike<number>, values: ArrayLike<number>): void {
    for (let i = 0; i < steps.length; i++) {
      if (steps[i] > this.lastStep) {
        this.steps.push(steps[i]);
        this.values.push(values[i]);
      }
    }
    if (this.length > CAPACITY) {
      [this.steps, this.values] = thin(this.steps, this.values, CAPACITY / 2);
    }
  }

  /** Take a whole history, and keep behind it those points that are newer than it. */
  rebase(steps: ArrayLike<number>, values: ArrayLike<number>): void {
    const newer = new Series();
    const end = steps.length ? steps[steps.length - 1] : -Infinity;
    const from = this.steps.findIndex(step => step > end);
    if (from >= 0) {
      newer.steps = this.steps.slice(from);
      newer.values = this.values.slice(from);
    }
    this.steps = Array.from(steps);
    this.values = Array.from(values);
    this.extend(newer.steps, newer.values);
  }
}

/** At most `points` points that keep the least and the greatest of every stretch, and both ends. */
export function thin(steps: number[], values: number[], points: number): [number[], number[]] {
  if (steps.length <= points) {
    return [steps, values];
  }
  const keep = [0];
  const buckets = Math.max(1, Math.floor((points - 2) / 2));
  const width = (steps.length - 2) / buckets;
  for (let b = 0; b < buckets; b++) {
    const [from, to] = [1 + Math.floor(b * width), 1 + Math.floor((b + 1) * width)];
    let [low, high] = [from, from];
    for (let i = from; i < to; i++) {
      if (values[i] < values[low]) {
        low = i;
      }
      if (values[i] > values[high]) {
        high = i;
      }
    }
    keep.push(Math.min(low, high));
    if (low !== high) {
      keep.push(Math.max(low, high));
    }
  }
  keep.push(steps.length - 1);
  return [keep.map(i => steps[i]), keep.map(i => values[i])];
}

/** Exponential moving average, free of the pull towards its start; `weight` 0 changes nothing. */
export function smooth(values: ArrayLike<number>, weight: number): number[] {
  let [sum, share] = [0, 0];
  return Array.from(values, value => {
    if (!Number.isFinite(value)) {
      return NaN;
    }
    sum = weight * sum + (1 - weight) * value;
    share = weight * share + (1 - weight);
    return sum / share;
  });
}

/** What led to a series that goes on: the points before its first one, and that one, so that the two are joined. */
export function lead(before: IPoints, after: IPoints): { steps: number[]; values: number[] } {
  const first = after.steps.length ? after.steps[0] : Infinity;
  const steps = Array.from(before.steps).filter(step => step < first);
  const values = Array.from(before.values).slice(0, steps.length);
  return after.steps.length ? { steps: [...steps, first], values: [...values, after.values[0]] } : { steps, values };
}

/** The rows of several series over the union of their steps: what uPlot and a table want. */
export function align(all: { steps: ArrayLike<number>; values: ArrayLike<number> }[]): [number[], (number | null)[][]] {
  const steps = union(all.map(s => s.steps));
  const columns = all.map(s => {
    const column = new Array<number | null>(steps.length).fill(null);
    let row = 0;
    for (let i = 0; i < s.steps.length; i++) {
      while (steps[row] < s.steps[i]) {
        row++;
      }
      column[row] = Number.isFinite(s.values[i]) ? s.values[i] : null;
    }
    return column;
  });
  return [steps, columns];
}

/** All numbers that occur in any of `all`, each of which ascends. */
function union(all: ArrayLike<number>[]): number[] {
  const merged = new Float64Array(all.reduce((sum, one) => sum + one.length, 0));
  let from = 0;
  for (const one of all) {
    merged.set(one, from);
    from += one.length;
  }
  merged.sort();
  return Array.from(merged.filter((number, i) => i === 0 || number !== merged[i - 1]));
}

/**
 * The rows of many long series, two for each of `columns` equal stretches from `from` to `to`: of every series the
 * least and the greatest value there, in the order in which they came. As wide as the eye needs, however long they are.
 */
export function gather(all: { steps: ArrayLike<number>; values: ArrayLike<number> }[], from: number, to: number, columns: number): [number[], (number | null)[][]] {
  const width = (to - from) / columns;
  const rows = Array.from({ length: 2 * columns }, (_, row) => from + (row / 2 + 0.25) * width);
  return [rows, all.map(({ steps, values }) => extremes(steps, values, from, width, columns))];
}

function extremes(steps: ArrayLike<number>, values: ArrayLike<number>, from: number, width: number, columns: number): (number | null)[] {
  const found = new Array<number | null>(2 * columns).fill(null);
  const set = (column: number, low: number, high: number) => {
    found[2 * column] = values[Math.min(low, high)];
    found[2 * column + 1] = values[Math.max(low, high)];
  };
  let [column, low, high] = [-1, 0, 0];
  for (let i = firstFrom(steps, from); i < steps.length && steps[i] <= from + width * columns; i++) {
    if (!Number.isFinite(values[i])) {
      continue;
    }
    const at = Math.min(columns - 1, Math.floor((steps[i] - from) / width));
    if (at !== column) {
      if (column >= 0) {
        set(column, low, high);
      }
      [column, low, high] = [at, i, i];
    } else if (values[i] < values[low]) {
      low = i;
    } else if (values[i] > values[high]) {
      high = i;
    }
  }
  if (column >= 0) {
    set(column, low, high);
  }
  return found;
}

/** The place of the first step that is at least `from`. */
function firstFrom(steps: ArrayLike<number>, from: number): number {
  let [low, high] = [0, steps.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle] < from) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/** The row nearest to `row` that holds a value; null where there is none. */
export function nearest(column: ArrayLike<number | null | undefined>, row: number): number | null {
  for (let distance = 0; distance < column.length; distance++) {
    for (const at of [row - distance, row + distance]) {
      if (at >= 0 && at < column.length && column[at] != null) {
        return at;
      }
    }
  }
  return null;
}
