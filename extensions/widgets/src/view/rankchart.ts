// A chart with a line for each rank.

import { Group } from './group';

export class RankChart extends Group {
  protected override named(keys: string[]): Map<string, string> {
    return new Map(keys.map(key => [key, `rank ${key}`]));
  }
}
