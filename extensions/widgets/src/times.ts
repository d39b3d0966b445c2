// When the steps of a run were made: some of them are known, those between them lie on straight lines.

export class Times {
  private steps: number[] = [];
  private seconds: number[] = [];

  get lastStep(): number {
    return this.steps.at(-1) ?? -1;
  }

  get isEmpty(): boolean {
    return this.steps.length === 0;
  }

  /** Take what is newer than what is known; both ascend. */
  take(steps: ArrayLike<number>, seconds: ArrayLike<number>): void {
    for (let i = 0; i < steps.length; i++) {
      if (steps[i] > this.lastStep) {
        this.steps.push(steps[i]);
        this.seconds.push(Math.max(seconds[i], this.seconds.at(-1) ?? 0));
      }
    }
  }

  /** Seconds since the run began, for each of `steps`, which ascend. */
  map(steps: ArrayLike<number>): number[] {
    const found = new Array<number>(steps.length);
    let row = 0;
    for (let i = 0; i < steps.length; i++) {
      while (row < this.steps.length && this.steps[row] < steps[i]) {
        row++;
      }
      found[i] = this.between(row, steps[i]);
    }
    return found;
  }

  /** Seconds since the run began, at `step`. */
  at(step: number): number {
    return this.between(first(this.steps, step), step);
  }

  /** The step that was made about `seconds` after the run began. */
  step(seconds: number): number {
    const row = first(this.seconds, seconds);
    const [low, high] = [this.corner(row - 1), this.corner(row)];
    return high.seconds > low.seconds ? Math.round(low.step + ((seconds - low.seconds) / (high.seconds - low.seconds)) * (high.step - low.step)) : high.step;
  }

  /** On the line that ends in `row`; beyond the last one, on that which ends there. */
  private between(row: number, step: number): number {
    const at = Math.min(row, this.steps.length - 1);
    const [low, high] = [this.corner(at - 1), this.corner(at)];
    return high.step > low.step ? Math.max(0, low.seconds + ((step - low.step) / (high.step - low.step)) * (high.seconds - low.seconds)) : high.seconds;
  }

  private corner(row: number): { step: number; seconds: number } {
    return row < 0 ? { step: 0, seconds: 0 } : { step: this.steps[Math.min(row, this.steps.length - 1)], seconds: this.seconds[Math.min(row, this.steps.length - 1)] };
  }
}

/** The place of the first of `numbers`, which ascend, that is at least `least`. */
function first(numbers: number[], least: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] < least) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}
