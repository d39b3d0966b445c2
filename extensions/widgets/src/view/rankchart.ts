// A chart with a line for each rank, from zero: so that ranks can be compared.

import { Group } from './group';

const ROOM = 1.08;

export class RankChart extends Group {
  /** A logarithmic axis is for who asks. */
  protected override scale(): void {}

  protected override yRange(_low: number | null, high: number | null): [number, number] {
    return [0, high !== null && high > 0 ? ROOM * high : 1];
  }

  protected override named(keys: string[]): Map<string, string> {
    return new Map(keys.map(key => [key, `rank ${key}`]));
  }
}
