// The last of what was said, below every tab; a click opens all of it.

import { warned } from '../format';
import type { DashboardModel } from '../model';
import { h, write } from './dom';
import { lines, row } from './messages';

const SHOWN = 2; // lines

export class Last {
  private readonly said = h('div', { class: 'akid-last', role: 'log', 'aria-label': 'Last messages' });
  private readonly all: HTMLElement;
  readonly node: HTMLElement;
  private drawn = '';

  constructor(
    private readonly model: DashboardModel,
    open: () => void
  ) {
    this.all = h('button', { type: 'button', class: 'akid-mini akid-all', title: 'Show all messages', click: open });
    this.node = h('div', { class: 'akid-said' }, this.said, this.all);
  }

  update(): void {
    const said = lines(this.model);
    const last = said.slice(-SHOWN);
    const drawn = last.map(line => line.key).join();
    if (drawn !== this.drawn) {
      this.drawn = drawn;
      this.said.replaceChildren(...last.map(line => row(line, true)));
    }
    this.said.classList.toggle('akid-empty', !said.length);
    this.all.hidden = said.length <= SHOWN;
    write(this.all, warned(this.model.events) || `${said.length} messages`);
  }
}
