// A button that opens a small panel below it; Escape, or leaving it, closes the panel.

import { h } from './dom';

export class Popover {
  readonly button: HTMLButtonElement;
  readonly panel: HTMLElement;
  readonly node: HTMLElement;

  /** `opened` is called whenever it opens; `panel` gets what it returns focused. */
  constructor(
    name: string,
    label: string,
    private readonly opened: () => HTMLElement | null
  ) {
    this.button = h('button', { type: 'button', class: 'akid-button akid-plain akid-opens', title: label, 'aria-haspopup': 'dialog', 'aria-expanded': 'false', click: () => this.toggle() }, name);
    this.panel = h('div', { class: 'akid-popover', role: 'dialog', 'aria-label': label, tabindex: -1, hidden: true });
    this.node = h('div', { class: 'akid-pops', keydown: (event: KeyboardEvent) => this.onKey(event), focusout: (event: FocusEvent) => this.onLeave(event) }, this.button, this.panel);
  }

  get isOpen(): boolean {
    return !this.panel.hidden;
  }

  toggle(): void {
    this.panel.hidden = !this.panel.hidden;
    this.button.setAttribute('aria-expanded', String(this.isOpen));
    if (this.isOpen) {
      (this.opened() ?? this.panel).focus();
    } else {
      this.button.focus();
    }
  }

  private onKey(event: KeyboardEvent): void {
    if (!this.isOpen) {
      return;
    }
    const boxes = [...this.panel.querySelectorAll<HTMLElement>('input')];
    const at = boxes.indexOf(document.activeElement as HTMLElement);
    if (event.key === 'Escape') {
      this.toggle();
      event.preventDefault();
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      boxes.at((at + (event.key === 'ArrowDown' ? 1 : -1)) % boxes.length)?.focus();
      event.preventDefault();
    }
    event.stopPropagation(); // or the dashboard takes the keys for its own
  }

  private onLeave(event: FocusEvent): void {
    const to = event.relatedTarget as Node | null;
    if (this.isOpen && to !== null && !this.node.contains(to)) {
      this.panel.hidden = true;
      this.button.setAttribute('aria-expanded', 'false');
    }
  }
}
