// Which charts are shown, and which of them stand first.

import { title } from '../format';
import type { DashboardModel } from '../model';
import { h } from './dom';
import { Popover } from './popover';

export class ChartList {
  private readonly list = h('div', { class: 'akid-choices', role: 'group', 'aria-label': 'Charts' });
  private readonly popover = new Popover('Charts', 'Choose which charts are shown, and which stand first', () => this.fill());
  readonly node = this.popover.node;

  constructor(
    private readonly model: DashboardModel,
    private readonly names: () => string[],
    private readonly changed: () => void
  ) {
    this.popover.panel.append(this.list);
  }

  private fill(): HTMLElement | null {
    this.list.replaceChildren(...this.names().map(name => this.row(name)));
    return this.list.querySelector('input');
  }

  private row(name: string): HTMLElement {
    const { hidden, front } = this.model;
    const said = title(name.replace(/\/$/, ''));
    const box = h('input', { type: 'checkbox', change: () => this.set(hidden, name, !box.checked) });
    const first = h('button', { type: 'button', class: 'akid-mini', title: `${said} stands first`, 'aria-label': `${said}: first`, 'aria-pressed': String(front.has(name)), click: () => {
      this.set(front, name, !front.has(name));
      first.setAttribute('aria-pressed', String(front.has(name)));
    } }, 'first');
    box.checked = !hidden.has(name);
    return h('div', {}, h('label', {}, box, h('span', { class: 'akid-choice' }, said)), first);
  }

  private set(names: Set<string>, name: string, isIn: boolean): void {
    names[isIn ? 'add' : 'delete'](name);
    this.changed();
  }
}
