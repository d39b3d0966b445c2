// The other runs of the store, to choose those that are drawn over the curves.

import { count, title } from '../format';
import type { DashboardModel } from '../model';
import { MOST, type IListed } from '../others';
import { h, write } from './dom';
import { Popover } from './popover';

const PATIENCE = 200; // ms after the last key until runs are looked for

export class RunList {
  private readonly search = h('input', {
    type: 'search', class: 'akid-filter', placeholder: 'Words of a name', spellcheck: 'false', 'aria-label': 'Find runs by words of their names',
    input: () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => void this.fill(), PATIENCE);
    }
  });
  private readonly list = h('div', { class: 'akid-choices', role: 'group', 'aria-label': 'Other runs' });
  private readonly note = h('p', { class: 'akid-note', role: 'status' });
  private readonly popover = new Popover('Runs', 'Draw other runs over these curves', () => this.open());
  readonly node = this.popover.node;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asked = 0;

  constructor(private readonly model: DashboardModel) {
    this.popover.panel.append(this.search, this.list, this.note);
  }

  update(): void {
    const { all } = this.model.others;
    write(this.popover.button, all.length ? `Runs · ${all.length}` : 'Runs');
  }

  dispose(): void {
    clearTimeout(this.timer);
  }

  private open(): HTMLElement {
    void this.fill();
    return this.search;
  }

  private async fill(): Promise<void> {
    const asked = ++this.asked;
    try {
      const { runs, more } = await this.model.others.list(this.search.value);
      if (asked === this.asked) {
        this.list.replaceChildren(...runs.map(run => this.row(run)));
        write(this.note, runs.length ? (more ? `${count(more)} more: say words of a name.` : '') : 'There is no other run of such a name.');
      }
    } catch (error) {
      write(this.note, (error as Error).message);
    }
  }

  private row(run: IListed): HTMLElement {
    const { others } = this.model;
    const box = h('input', { type: 'checkbox', change: () => this.choose(box, run.uid) });
    box.checked = others.has(run.uid);
    const facts = [run.kin, title(run.status), `step ${count(run.step)}`].filter(Boolean).join(' · ');
    return h('label', {}, box, h('span', { class: 'akid-choice' }, run.name), h('span', { class: 'akid-fact' }, facts));
  }

  private choose(box: HTMLInputElement, uid: string): void {
    this.model.others.toggle(uid);
    box.checked = this.model.others.has(uid);
    write(this.note, this.model.others.isFull ? `At most ${MOST} other runs are drawn.` : '');
  }
}
