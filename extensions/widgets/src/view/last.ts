// The last of what was said, below every tab, and where a note is written.

import { warned } from '../format';
import type { DashboardModel } from '../model';
import { h, icon, write } from './dom';
import { lines, row } from './messages';

const SHOWN = 2; // lines
const LONGEST = 2000; // characters of a note

export class Last {
  private readonly said = h('div', { class: 'akid-last', role: 'log', 'aria-label': 'Last messages' });
  private readonly all: HTMLElement;
  private readonly box = h('input', {
    type: 'text', class: 'akid-notebox', maxlength: LONGEST, hidden: true, spellcheck: 'true',
    placeholder: 'A note on this run, at where it is now', 'aria-label': 'Note', 'aria-keyshortcuts': 'n',
    keydown: (event: KeyboardEvent) => this.onKey(event), blur: () => this.leave()
  });
  private readonly opener = h('button', { type: 'button', class: 'akid-mini', title: 'Keep a note with the run (n)', click: () => this.write() }, icon('note'), 'Note');
  readonly node: HTMLElement;
  private drawn = '';

  constructor(
    private readonly model: DashboardModel,
    open: () => void,
    ...more: HTMLElement[]
  ) {
    this.all = h('button', { type: 'button', class: 'akid-mini akid-all', title: 'Show all messages', click: open });
    this.node = h('div', { class: 'akid-said' }, this.said, this.box, this.all, this.opener, ...more);
  }

  /** Have a note written. */
  write(): void {
    this.box.hidden = false;
    this.opener.hidden = true;
    this.box.focus();
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

  private onKey(event: KeyboardEvent): void {
    if (event.key === 'Enter' && this.box.value.trim()) {
      this.model.act('note', null, this.box.value.trim());
      this.box.value = '';
      this.close();
      event.preventDefault();
    } else if (event.key === 'Escape') {
      this.box.value = '';
      this.close();
      event.preventDefault();
    }
  }

  private close(): void {
    this.opener.hidden = false;
    this.opener.focus();
    this.box.hidden = true;
  }

  /** What was begun stays to be gone on with. */
  private leave(): void {
    if (!this.box.value.trim()) {
      this.box.hidden = true;
      this.opener.hidden = false;
    }
  }
}
