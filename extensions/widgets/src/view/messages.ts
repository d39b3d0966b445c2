// What was done and said in a run, oldest first; failures in red with their traceback folded away.

import { block, clock, count, sentence, unsaid, warns } from '../format';
import type { DashboardModel } from '../model';
import type { IEvent } from '../tokens';
import { h, prose } from './dom';

export interface ILine {
  key: string;
  time: number;
  step: number | null;
  text: string;
  level: string;
  more: string | null;
  /** Where it was found. */
  block?: string;
}

const MARKS: { [level: string]: [mark: string, word: string] } = { warning: ['⚠', 'Warning'], error: ['✕', 'Error'] };

export class Messages {
  readonly node = h('div', { class: 'akid-messages', role: 'log', 'aria-live': 'off', 'aria-label': 'Messages', tabindex: 0 });
  private readonly drawn = new Map<string, HTMLElement>();
  /** The newest is in sight, until somebody scrolls back. */
  private follows = true;

  constructor(private readonly model: DashboardModel) {
    this.node.addEventListener('scroll', () => {
      this.follows = this.node.scrollTop + this.node.clientHeight >= this.node.scrollHeight - 4;
    });
  }

  update(): void {
    const { node } = this;
    const said = lines(this.model);
    this.keep(new Set(said.map(line => line.key)));
    for (const line of said.filter(line => !this.drawn.has(line.key))) {
      const element = row(line);
      this.drawn.set(line.key, element);
      node.append(element);
    }
    node.classList.toggle('akid-empty', !this.drawn.size);
    if (this.follows) {
      node.scrollTop = node.scrollHeight;
    }
  }

  /** Take away what is said no more: the error of a run, once the event has come that tells it better. */
  private keep(keys: Set<string>): void {
    for (const [key, element] of this.drawn) {
      if (!keys.has(key)) {
        element.remove();
        this.drawn.delete(key);
      }
    }
  }
}

/** All that was done and said, oldest first; what ranks write is looked at elsewhere. */
export function lines(model: DashboardModel): ILine[] {
  const { events, logs, run } = model;
  const lines: ILine[] = unsaid(logs, events).filter(log => !model.ranks || log.level !== 'info').map(log => ({
    key: `log ${log.id}`,
    time: log.time,
    step: log.step || null,
    text: run.world_size > 1 ? `rank ${log.rank}: ${log.text}` : log.text,
    level: log.level === 'info' ? 'note' : log.level,
    more: null
  }));
  for (const event of events) {
    const text = sentence(event);
    if (text) {
      lines.push({ key: `event ${event.id}`, time: event.time, step: event.step, text, level: level(event), more: traceback(event.data), block: block(event) });
    }
  }
  if (run.error && !events.some(event => event.kind === 'error' || event.kind === 'guard')) {
    lines.push({ key: 'run.error', time: Date.now() / 1000, step: run.step, text: lastLine(run.error), level: 'error', more: run.error.includes('\n') ? run.error : null });
  }
  return lines.sort((a, b) => a.time - b.time);
}

function level(event: IEvent): string {
  return event.kind === 'error' || event.kind === 'guard' ? 'error' : warns(event) || event.kind === 'stays' ? 'warning' : 'info';
}

function traceback(data: { [key: string]: unknown }): string | null {
  const text = [data.traceback, data.error, data.text].find(said => typeof said === 'string' && said.includes('\n'));
  return (text as string | undefined) ?? null;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)!;
}

/** A line as it stands in a list; in `short`, what is long is left out. */
export function row(line: ILine, short = false): HTMLElement {
  const [mark, word] = MARKS[line.level] ?? ['', ''];
  const place = line.block ? h('code', { class: 'akid-block', title: 'Where it was found' }, line.block) : null;
  const text = line.more && !short
    ? h('details', { class: 'akid-text' }, h('summary', {}, place, ...prose(line.text)), h('pre', {}, line.more))
    : h('span', { class: 'akid-text' }, place, ...prose(line.text));
  return h(
    'div',
    { class: 'akid-line', 'data-level': line.level },
    h('time', {}, clock(line.time)),
    h('span', { class: 'akid-line-step' }, line.step === null ? '' : `step ${count(line.step)}`),
    h('span', mark ? { class: 'akid-level', role: 'img', 'aria-label': word } : { class: 'akid-level' }, mark),
    text
  );
}
