// Lines that share a chart: the scalars `topic/key`, a line for each key; which are shown, and in which colour.

export const COLOURS = 8; // that are told apart; a ninth line is grey
export const GREY = -1;
export const RANKS = 'ranks'; // the topic of what is measured of each rank

/** `weights_norm2/features/conv1` is the line `features/conv1` of the chart `weights_norm2`; null for other tags. */
export function split(tag: string): [topic: string, key: string] | null {
  const at = tag.indexOf('/');
  return at > 0 ? [tag.slice(0, at), tag.slice(at + 1)] : null;
}

/** The keys of every topic, topics and keys in the order in which they came. */
export function group(tags: Iterable<string>): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const tag of tags) {
    const parts = split(tag);
    if (parts) {
      groups.set(parts[0], [...(groups.get(parts[0]) ?? []), parts[1]]);
    }
  }
  return groups;
}

/**
 * What a filter lets through: the key that it names, else those that hold one of its words; `*` stands for anything.
 */
export function choose(keys: string[], filter: string, known = keys): string[] {
  const text = filter.trim();
  if (known.includes(text)) {
    return keys.filter(key => key === text);
  }
  const words = text.split(/[\s,]+/).filter(Boolean);
  const patterns = words.map(word => new RegExp(word.split('*').map(escape).join('.*'), 'i'));
  return patterns.length ? keys.filter(key => patterns.some(pattern => pattern.test(key))) : keys;
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/**
 * The colour of each of `keys`: a key has its own in every chart (its place among `known`); those beyond the last
 * colour take one that is free in their chart, and are grey where none is.
 */
export function colours(keys: string[], known: string[]): Map<string, number> {
  const own = new Map(known.slice(0, COLOURS).map((key, place) => [key, place]));
  const taken = new Set(keys.map(key => own.get(key)));
  const free = Array.from({ length: COLOURS }, (_, place) => place).filter(place => !taken.has(place));
  return new Map(keys.map(key => [key, own.get(key) ?? free.shift() ?? GREY]));
}

/** What tells `keys` apart: they without the folders that all of them lie in. */
export function shorten(keys: string[]): Map<string, string> {
  const parts = keys.map(key => key.split('/'));
  let same = 0;
  while (keys.length > 1 && parts.every(part => same < part.length - 1 && part[same] === parts[0][same])) {
    same++;
  }
  return new Map(keys.map((key, i) => [key, parts[i].slice(same).join('/')]));
}
