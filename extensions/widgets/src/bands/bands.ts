// How one tensor was spread: nine lines over the steps at which it was looked at, kept thin enough for the eye.

export const LINES = ['minimum', '7%', '16%', '31%', '50%', '69%', '84%', '93%', 'maximum'];
export const NINE = 9;
const CAPACITY = 512; // observations that are kept of one in a small chart
const STALE = 1.5; // so many times as many observations as when it last came whole

/** What the kernel says before the numbers of a distribution. */
export interface ITold {
  tag: string;
  /** How many observations come. */
  points: number;
  /** How many the run has. */
  total: number;
  /** How often steps of it were written again. */
  rewrites: number;
  /** What was known is void: the run went back. */
  anew: boolean;
  /** How many numbers the tensor has. */
  elements: number | null;
}

export class Bands {
  steps: Float64Array;
  /** Nine for each step, the minimum first. */
  values: Float32Array;
  private readonly odd: Uint8Array; // which have a value that is not finite
  length = 0;
  total = 0;
  rewrites = 0;
  elements: number | null = null;
  /** Rises with everything that changes it. */
  version = 0;
  private wholeAt = 0;
  private isLossy = false;

  constructor(
    readonly tag: string,
    private readonly capacity = CAPACITY
  ) {
    this.steps = new Float64Array(capacity);
    this.values = new Float32Array(capacity * NINE);
    this.odd = new Uint8Array(capacity);
  }

  get lastStep(): number | null {
    return this.length ? this.steps[this.length - 1] : null;
  }

  /** So much of what is newer came thinned that it is better fetched whole again. */
  get isStale(): boolean {
    return this.isLossy && this.total > STALE * this.wholeAt;
  }

  /** True if it was looked at more often than is known here. */
  get isThinned(): boolean {
    return this.length < this.total;
  }

  /** About how many steps lie between two looks; null for fewer than two of them. */
  get every(): number | null {
    return this.total > 1 && this.length > 1 ? (this.steps[this.length - 1] - this.steps[0]) / (this.total - 1) : null;
  }

  /** Take what was told: all of it if `whole`, else what is new. */
  take(told: ITold, steps: Float64Array, values: Float32Array, whole: boolean): void {
    if (whole || told.anew) {
      this.length = 0;
      this.wholeAt = told.total;
      this.isLossy = false;
    } else if (told.total - this.total > told.points) {
      this.isLossy = true;
    }
    this.total = told.total;
    this.rewrites = told.rewrites;
    this.elements = told.elements ?? this.elements;
    for (let i = 0; i < steps.length; i++) {
      if (this.length === 0 || steps[i] > this.steps[this.length - 1]) {
        this.append(steps[i], values.subarray(i * NINE, (i + 1) * NINE));
      }
    }
    this.version++;
  }

  /** The nine values of one observation. */
  nine(index: number): Float32Array {
    return this.values.subarray(index * NINE, (index + 1) * NINE);
  }

  /** The place of the observation that is nearest to a step; null if there is none. */
  nearest(step: number): number | null {
    if (!this.length) {
      return null;
    }
    const after = Math.min(this.length - 1, this.firstFrom(step));
    return after > 0 && step - this.steps[after - 1] <= this.steps[after] - step ? after - 1 : after;
  }

  /** The place of the first observation at a step or later. */
  firstFrom(step: number): number {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.steps[middle] < step) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  isFinite(index: number): boolean {
    return !this.odd[index];
  }

  private append(step: number, nine: Float32Array): void {
    if (this.length === this.capacity) {
      this.thin(this.capacity / 2);
    }
    this.steps[this.length] = step;
    this.values.set(nine, this.length * NINE);
    this.odd[this.length] = nine.every(Number.isFinite) ? 0 : 1;
    this.length++;
  }

  /** Keep of equal stretches the observations that reach lowest and highest, one that is not finite, and both ends. */
  private thin(points: number): void {
    const columns = Math.max(1, Math.floor((points - 2) / 3));
    const first = this.steps[0];
    const width = (this.steps[this.length - 1] - first + 1) / columns;
    const kept = new Set([0, this.length - 1]);
    let [column, low, high, odd] = [-1, -1, -1, -1];
    for (let i = 0; i <= this.length; i++) {
      const at = i < this.length ? Math.floor((this.steps[i] - first) / width) : columns;
      if (at !== column) {
        [low, high, odd].filter(place => place >= 0).forEach(place => kept.add(place));
        [column, low, high, odd] = [at, -1, -1, -1];
      }
      if (i === this.length) {
        break;
      }
      if (!this.isFinite(i)) {
        odd = odd < 0 ? i : odd;
      } else {
        low = low < 0 || this.values[i * NINE] < this.values[low * NINE] ? i : low;
        high = high < 0 || this.values[i * NINE + 8] > this.values[high * NINE + 8] ? i : high;
      }
    }
    let to = 0;
    for (const from of [...kept].sort((a, b) => a - b)) {
      this.steps[to] = this.steps[from];
      this.values.copyWithin(to * NINE, from * NINE, (from + 1) * NINE);
      this.odd[to] = this.odd[from];
      to++;
    }
    this.length = to;
  }
}
