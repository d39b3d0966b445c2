// What is said of a distribution: its name, how it is spread, and how often it was looked at.

import { count, title, value } from '../format';
import { split } from '../groups';
import type { Bands } from './bands';

const FIRST = ['activations', 'weights', 'weight_gradients', 'weight_updates']; // what tells most

/** The topics of distributions with how many there are of each, those that tell most first. */
export function topics(tags: string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const tag of tags) {
    const topic = topicOf(tag);
    counts.set(topic, (counts.get(topic) ?? 0) + 1);
  }
  const place = (topic: string) => (FIRST.includes(topic) ? FIRST.indexOf(topic) : FIRST.length);
  return new Map([...counts].sort(([one], [other]) => place(one) - place(other)));
}

export function topicOf(tag: string): string {
  return split(tag)?.[0] ?? tag;
}

export function keyOf(tag: string): string {
  return split(tag)?.[1] ?? tag;
}

/** `-0.31 … 0.0021 … 0.29`: minimum, median and maximum. */
export function range(bands: Bands | undefined, index: number | null, said: (number: number) => string = value): string {
  if (!bands || index === null) {
    return '';
  }
  const nine = bands.nine(index);
  return [nine[0], nine[4], nine[8]].map(said).join(' … ');
}

/** Three digits, for a heading that has little room: -0.314, 1.2e-5. */
export function short(number: number): string {
  const size = Math.abs(number);
  const digits = Number.isFinite(number) && size !== 0 && (size < 1e-3 || size >= 1e4) ? number.toExponential(1) : String(+number.toPrecision(3));
  return Number.isFinite(number) ? digits.replace('.0e', 'e').replace('e+', 'e') : value(number);
}

/** How often it was looked at, and how much of that is drawn. */
export function looks(bands: Bands | undefined): string {
  if (!bands?.length) {
    return 'Not looked at yet';
  }
  const { every, total, length, elements } = bands;
  const parts = [`looked at ${total === 1 ? 'once' : `${count(total)} times`}`];
  if (every !== null) {
    parts.push(every < 1.05 ? 'at every step' : `every ${every < 10 ? +every.toFixed(1) : count(every)} steps on average`);
  }
  if (bands.isThinned) {
    parts.push(`${count(length)} of them drawn, the extremes among them`);
  }
  return (elements ? [`${count(elements)} numbers`, ...parts] : parts).join(', ');
}

export function describe(tag: string, bands: Bands | undefined): string {
  const last = bands?.length ? bands.length - 1 : null;
  const now = last === null ? 'nothing yet' : `minimum, median and maximum ${range(bands, last)} at step ${count(bands!.steps[last])}`;
  return `${title(topicOf(tag))} of ${keyOf(tag)}: ${now}`;
}
