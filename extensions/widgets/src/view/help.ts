// The keys of a dashboard, in a list that `?` opens.

import { h } from './dom';

const KEYS: [key: string, does: string][] = [
  ['Space', 'Pause, resume'],
  ['s', 'Make one step'],
  ['c', 'Write a checkpoint'],
  ['n', 'Keep a note'],
  ['1 … 9', 'Show a tab; ← → Home End in their list'],
  ['Esc', 'Close what is open; then leave the dashboard'],
  ['?', 'These keys']
];

export class Help {
  private readonly list = h('dl', { class: 'akid-keylist' });
  readonly button = h('button', { type: 'button', class: 'akid-mini', title: 'Keys (?)', 'aria-label': 'Keys', 'aria-expanded': 'false', click: () => this.toggle() }, '?');
  readonly node = h('div', { class: 'akid-help', role: 'dialog', 'aria-label': 'Keys', tabindex: -1, hidden: true }, this.list);

  /** `more` are the keys of the tab that is shown. */
  constructor(private readonly more: () => [string, string][]) {}

  get isOpen(): boolean {
    return !this.node.hidden;
  }

  toggle(): void {
    this.node.hidden = !this.node.hidden;
    this.button.setAttribute('aria-expanded', String(this.isOpen));
    if (this.isOpen) {
      this.list.replaceChildren(...[...KEYS, ...this.more()].map(([key, does]) => h('div', {}, h('dt', {}, h('kbd', {}, key)), h('dd', {}, does))));
      this.node.focus();
    } else {
      this.button.focus();
    }
  }
}
