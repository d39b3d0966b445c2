// What the ranks wrote: of all or of one, what went to the output or to the errors, and what came before.

import { clock, count } from '../format';
import type { DashboardModel } from '../model';
import type { ILog, ILogFilter, ILogPage } from '../tokens';
import { h, write } from './dom';

const AGAIN = 2000; // ms between two looks whether all lines came
const MOST = 3000; // lines that are held

export class RankLog {
  private readonly rank = h('select', { 'aria-label': 'Lines of which rank', change: () => this.reload() });
  private readonly level = h('select', { 'aria-label': 'Which lines', change: () => this.reload() }, ...options([['', 'all lines'], ['output', 'output'], ['errors', 'warnings and errors']]));
  private readonly earlier = h('button', { type: 'button', class: 'akid-mini', hidden: true, click: () => void this.ask(this.lines[0]?.id ?? null) }, 'Earlier lines');
  private readonly note = h('span', { class: 'akid-at', role: 'status' });
  private readonly body = h('div', { class: 'akid-log', role: 'log', tabindex: 0, 'aria-label': 'What the ranks wrote' });
  readonly node = h(
    'section',
    { class: 'akid-panel akid-ranklog', 'aria-label': 'Output of the ranks' },
    h('header', {}, h('h4', {}, 'Output'), this.rank, this.level, this.note, this.earlier),
    this.body
  );
  private lines: ILog[] = [];
  private ranks = 0;
  private newest = 0; // of the lines that the model knew
  private askedAt = -Infinity;
  private asked = 0;
  private isOpen = false;
  private follows = true;

  constructor(private readonly model: DashboardModel) {
    this.body.addEventListener('scroll', () => {
      this.follows = this.body.scrollTop + this.body.clientHeight >= this.body.scrollHeight - 4;
    });
  }

  update(ranks: number): void {
    if (ranks !== this.ranks) {
      this.ranks = ranks;
      const chosen = this.rank.value;
      const all = Array.from({ length: ranks }, (_, rank) => [String(rank), `rank ${rank}`] as [string, string]);
      this.rank.replaceChildren(...options([['', 'all ranks'], ...all]));
      this.rank.value = chosen;
    }
    const newest = this.model.logs.at(-1)?.id ?? 0;
    if (!this.isOpen) {
      this.isOpen = true;
      this.newest = newest;
      this.reload();
    } else if (newest > this.newest && performance.now() - this.askedAt > AGAIN) {
      this.newest = newest;
      void this.ask(null);
    } else {
      this.take(this.model.logs.filter(line => this.fits(line) && line.id > (this.lines.at(-1)?.id ?? 0)));
    }
  }

  private get filter(): ILogFilter {
    return { rank: this.rank.value ? Number(this.rank.value) : null, level: (this.level.value || null) as ILogFilter['level'], before: null };
  }

  private fits(line: ILog): boolean {
    const { rank, level } = this.filter;
    return (rank === null || line.rank === rank) && (level === null || (line.level === 'info') === (level === 'output'));
  }

  /** Other lines are wanted. */
  private reload(): void {
    this.lines = [];
    this.follows = true;
    this.take(this.model.logs.filter(line => this.fits(line)));
    void this.ask(null);
  }

  private async ask(before: number | null): Promise<void> {
    this.askedAt = performance.now();
    const asked = ++this.asked;
    try {
      const page = (await this.model.ask<ILogPage>('log', { ...this.filter, before })).content;
      if (asked === this.asked) {
        write(this.note, '');
        if (before !== null || page.logs.length >= this.lines.length) {
          this.earlier.hidden = !page.more;
        }
        this.take(page.logs);
      }
    } catch (error) {
      if (asked === this.asked) {
        write(this.note, (error as Error).message);
      }
    }
  }

  private take(lines: ILog[]): void {
    const known = new Set(this.lines.map(line => line.id));
    const fresh = lines.filter(line => !known.has(line.id));
    if (fresh.length || !this.lines.length) {
      this.lines = [...this.lines, ...fresh].sort((a, b) => a.id - b.id).slice(-MOST);
      this.draw();
    }
  }

  private draw(): void {
    const { body } = this;
    const below = body.scrollHeight - body.scrollTop;
    body.replaceChildren(...(this.lines.length ? this.lines.map(row) : [h('p', { class: 'akid-note' }, 'Nothing was written.')]));
    body.scrollTop = this.follows ? body.scrollHeight : body.scrollHeight - below;
  }
}

function row({ rank, level, time, step, text }: ILog): HTMLElement {
  return h(
    'div',
    { class: 'akid-line', 'data-level': level === 'info' ? 'note' : level },
    h('time', {}, clock(time)),
    h('span', { class: 'akid-line-step' }, step ? `step ${count(step)}` : ''),
    h('span', { class: 'akid-line-rank' }, `rank ${rank}`),
    h('span', { class: 'akid-text' }, text)
  );
}

function options(all: [value: string, text: string][]): HTMLOptionElement[] {
  return all.map(([value, text]) => h('option', { value }, text));
}
