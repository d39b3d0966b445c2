// A chart with a line for each rank.

import { Group } from './group';

export class RankChart extends Group {
  /** From zero, so that ranks can be compared; a logarithmic axis is for who asks. */
  protected override scale(): void {}

  protected override named(keys: string[]): Map<string, string> {
    return new Map(keys.map(key => [key, `rank ${key}`]));
  }
}
