// How numbers, times and events read.

import type { IEvent, ILog, Status } from './tokens';

const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

export function count(value: number): string {
  return WHOLE.format(value);
}

/** Four significant digits: 0.3142, 12.35, 1.2e-5. */
export function value(number: number | null | undefined): string {
  if (number == null) {
    return '–';
  }
  if (!Number.isFinite(number)) {
    return Number.isNaN(number) ? 'NaN' : number > 0 ? '∞' : '−∞';
  }
  const size = Math.abs(number);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) {
    return number.toExponential(2).replace(/\.?0+e/, 'e').replace('e+', 'e');
  }
  return size >= 1000 ? WHOLE.format(number) : number.toFixed(size >= 100 ? 1 : size >= 10 ? 2 : 4);
}

/** Four significant digits with a sign: +0.0123, −1.2e-5. */
export function difference(number: number): string {
  return number === 0 ? '±0' : `${number < 0 ? '−' : '+'}${value(Math.abs(number))}`;
}

/** A value at the step that is pinned, and how far that under the cursor is from it, if it is. */
export function besideCursor(then: number, cursor: number | null): string {
  const apart = cursor === null ? 0 : cursor - then;
  return apart ? `${value(then)} (at the cursor ${difference(apart)})` : value(then);
}

const RAISED: { [digit: string]: string } = Object.fromEntries([...'-0123456789'].map((digit, i) => [digit, [...'⁻⁰¹²³⁴⁵⁶⁷⁸⁹'][i]]));

/** The number of a tick in a few characters: 0.05, 20k, 1.5M, 2.5·10¹². */
export function tick(number: number): string {
  const size = Math.abs(number);
  if (size >= 1e9 || (size !== 0 && size < 1e-3)) {
    const [mantissa, exponent] = number.toExponential(2).replace('e+', 'e').split('e');
    const power = `10${[...exponent].map(digit => RAISED[digit]).join('')}`;
    return Math.abs(+mantissa) === 1 ? `${+mantissa < 0 ? '-' : ''}${power}` : `${+mantissa}·${power}`;
  }
  if (size >= 1e4) {
    return size >= 1e6 ? `${+(number / 1e6).toPrecision(3)}M` : `${+(number / 1e3).toPrecision(3)}k`;
  }
  return String(+number.toPrecision(4));
}

/** A learning rate as one would type it: 0.01, 3e-5. */
export function rate(number: number): string {
  const short = Number(number.toPrecision(3));
  return short !== 0 && Math.abs(short) < 1e-3 ? short.toExponential().replace('e+', 'e') : String(short);
}

/** The learning rate that somebody typed; null if it is none. */
export function typedRate(text: string): number | null {
  const number = Number(text.replace(',', '.'));
  return text.trim() !== '' && Number.isFinite(number) && number >= 0 ? number : null;
}

/** What to say of a text that is no learning rate; nothing where there is no text. */
export function wrongRate(text: string): string {
  const found = text.trim();
  return found === '' || typedRate(found) !== null ? '' : `A learning rate is a number of 0 or more, found \`${found}\`.`;
}

/** Where so many processes train: 1 is the notebook's own. */
export function processes(number: number): string {
  return number === 1 ? 'here' : `${number} ranks`;
}

export function speed(perSecond: number | null): string {
  if (perSecond == null || !Number.isFinite(perSecond)) {
    return '–';
  }
  return perSecond >= 100 ? WHOLE.format(perSecond) : perSecond.toPrecision(3);
}

/** 0:07, 3:25, 1:02:03, 2 d 03:04. */
export function duration(seconds: number | null): string {
  if (seconds == null || !Number.isFinite(seconds) || seconds < 0) {
    return '–';
  }
  const all = Math.round(seconds);
  const two = (n: number) => String(n).padStart(2, '0');
  const [days, hours, minutes] = [Math.floor(all / 86400), Math.floor(all / 3600) % 24, Math.floor(all / 60) % 60];
  if (days) {
    return `${days} d ${two(hours)}:${two(minutes)}`;
  }
  return hours ? `${hours}:${two(minutes)}:${two(all % 60)}` : `${minutes}:${two(all % 60)}`;
}

/** A place on an axis of time: 0.25 s where places lie close together, else as a duration. */
export function moment(seconds: number, apart: number): string {
  return apart < 1 ? `${+seconds.toFixed(apart < 0.1 ? 2 : 1)} s` : duration(seconds);
}

export function clock(time: number): string {
  return new Date(time * 1000).toLocaleTimeString([], { hour12: false });
}

const OF_RANKS: { [tag: string]: string } = {
  'ranks/own_ms': 'Own step time, ms',
  'ranks/wait_ms': 'Waiting in a step, ms',
  'ranks/gradient_norm': 'Own gradient norm'
};

/** `validation_loss` reads "validation loss". */
export function title(tag: string): string {
  if (tag in OF_RANKS) {
    return OF_RANKS[tag];
  }
  const words = tag.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What looking inside costs: 1.4 % · every 10; null for a run that is not looked at. */
export function observing(share: number | undefined, every: number | undefined): string | null {
  const parts: string[] = [];
  if (share !== undefined && Number.isFinite(share)) {
    const percent = 100 * share;
    parts.push(percent > 0 && percent < 0.05 ? '< 0.1 %' : `${percent >= 9.95 ? Math.round(percent) : percent.toFixed(1)} %`);
  }
  if (every !== undefined && Number.isFinite(every)) {
    parts.push(every === 1 ? 'every step' : `every ${count(every)}`);
  }
  return parts.join(' · ') || null;
}

const SILENT = new Set(['first_step', 'epoch', 'validation', 'save', 'started', 'ranks', 'profile']);

/** What an event says to people; null for those that the charts and numbers show anyway. */
export function sentence(event: IEvent): string | null {
  const { kind, data } = event;
  if (SILENT.has(kind)) {
    return null;
  }
  const said = [data.text, data.message, data.reason, data.error].find(text => typeof text === 'string') as
    | string
    | undefined;
  switch (kind) {
    case 'pause':
      return 'Paused';
    case 'resume':
      return 'Resumed';
    case 'step':
      return Number(data.value ?? 1) === 1 ? 'Made one step' : `Made ${data.value} steps`;
    case 'rate':
      return `Learning rate set to ${rate(Number(data.value))}`;
    case 'stop':
      return 'Stopped by hand';
    case 'checkpoint':
      return 'Checkpoint written';
    case 'branched':
      return `Branched from ${String(data.name ?? 'another run')} at step ${count(Number(data.step))}`;
    case 'note':
      return `Note: ${said ?? ''}`;
    case 'cell':
      return 'A notebook ran a cell on the ranks';
    case 'timeline':
      return `Timeline of steps ${count(Number(data.first))} to ${count(Number(data.last))} recorded`;
    case 'reduction':
      return averaging(data);
    case 'early_stop':
      return said ? `Stopped early: ${said}` : 'Stopped early';
    case 'finished':
      return data.outcome === 'stopped' ? 'Training stopped' : 'Training finished';
    case 'error':
      return said?.trim().split('\n').at(-1) ?? 'Training failed';
    default:
      return said ?? title(kind);
  }
}

/** How ranks average gradients: the way that was the quickest, and how long each took. */
function averaging(data: IEvent['data']): string {
  const took = Object.entries((data.ms ?? {}) as { [way: string]: number }).map(([way, time]) => `${way} ${ms(time)}`);
  return `Gradients are averaged by: ${String(data.path)}${took.length > 1 ? ` (${took.join(', ')})` : ''}`;
}

const WARNINGS = new Set(['warning', 'rank_lost', 'waiting_for_hosts', 'rank_lags', 'rank_drifts']);

/** True for an event that tells of something wrong with a run that goes on. */
export function warns(event: IEvent): boolean {
  return WARNINGS.has(event.kind);
}

/** How many things a run was warned of, in words; empty if of none. */
export function warned(events: IEvent[]): string {
  const number = events.filter(event => warns(event) || event.kind === 'guard').length;
  return number ? `${count(number)} warning${number > 1 ? 's' : ''}` : '';
}

/** 2,600 B, 32.5 kB, 23.3 MB. */
export function bytes(number: number | undefined): string {
  if (number === undefined || !Number.isFinite(number)) {
    return '–';
  }
  const [unit, size] = number < 1e4 ? ['B', 1] : number < 1e7 ? ['kB', 1e3] : ['MB', 1e6];
  return `${size === 1 ? WHOLE.format(number) : Number((number / Number(size)).toPrecision(3))} ${unit}`;
}

/** Milliseconds in three digits. */
export function ms(number: number | undefined): string {
  return number === undefined || !Number.isFinite(number) ? '–' : `${number >= 100 ? WHOLE.format(number) : number.toPrecision(3)} ms`;
}

/** The block that a finding is about, unless its text names it. */
export function block(event: IEvent): string | undefined {
  const { finding, block, text } = event.data;
  const isBlock = typeof finding === 'string' && typeof block === 'string' && block !== '';
  return isBlock && !String(text).includes(`\`${block}\``) ? block : undefined;
}

const OVER = new Set(['resume', 'stop', 'finished', 'early_stop']); // what comes after it makes a guard's act history

/** What a guard held the run for; null while the run goes on, and when it ended for another reason. */
export function held(events: IEvent[], status: Status): IEvent | null {
  const at = events.map(event => event.kind).lastIndexOf('guard');
  const isHeld = ['paused', 'stopped', 'failed'].includes(status);
  return at >= 0 && isHeld && !events.slice(at).some(event => OVER.has(event.kind)) ? events[at] : null;
}

/** The lines that no event says as well: what is warned of, and a traceback, come as both. */
export function unsaid(logs: ILog[], events: IEvent[]): ILog[] {
  const texts = events.flatMap(({ data }) => [data.text, data.traceback]).filter(text => typeof text === 'string');
  const said = new Set(texts.map(text => text.trim()));
  return logs.filter(log => !said.has(log.text.trim()));
}
