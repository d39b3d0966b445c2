// The kinds of blocks to choose from: click one, press Enter on it, or drag it to where it is to go.

import { h, prose } from '../view/dom';
import { humps, matching, type IKind } from './state';

const FAR = 5; // pixels until a press is a drag

export interface IPaletteHooks {
  add(kind: IKind): void;
  /** A kind is dragged over the page, and dropped. */
  over(event: PointerEvent): void;
  drop(kind: IKind, event: PointerEvent): void;
}

export class Palette {
  private kinds: IKind[] = [];
  private readonly list = h('div', { class: 'akid-palette-list', role: 'group', 'aria-label': 'Kinds of blocks' });
  private readonly search = h('input', {
    type: 'search', class: 'akid-filter', placeholder: 'Add a block', spellcheck: 'false', 'aria-label': 'Find a kind of block',
    title: 'Words of its name or of what it does. Enter adds the first, ↓ goes to the list.',
    input: () => this.draw(), keydown: (event: KeyboardEvent) => this.searching(event)
  });
  readonly node = h('aside', { class: 'akid-palette', 'aria-label': 'Palette' }, this.search, this.list);

  constructor(private readonly hooks: IPaletteHooks) {}

  set(kinds: IKind[]): void {
    if (kinds !== this.kinds) {
      this.kinds = kinds;
      this.draw();
    }
  }

  focus(): void {
    this.search.focus();
    this.search.select();
  }

  private draw(): void {
    const found = matching(this.kinds, this.search.value);
    const sections = this.search.value.trim() ? [''] : [...new Set(found.map(kind => kind.section))];
    this.list.replaceChildren(
      ...sections.flatMap(section => [
        section ? h('h4', {}, section) : '',
        ...found.filter(kind => !section || kind.section === section).map(kind => this.entry(kind))
      ]),
      found.length ? '' : h('p', { class: 'akid-note' }, 'No kind of block is found by these words.')
    );
  }

  private entry(kind: IKind): HTMLElement {
    const also = kind.also.length ? ` (${kind.also.join(', ')})` : '';
    return h(
      'button',
      { type: 'button', class: 'akid-kind', 'data-kind': kind.name, title: `${kind.name}${also}: ${kind.doc}`, click: () => this.hooks.add(kind), keydown: (event: KeyboardEvent) => this.walking(event), pointerdown: (event: PointerEvent) => this.press(event, kind) },
      h('b', {}, ...humps(kind.name.replace(/(.)Layer$/, '$1')).flatMap(part => [h('wbr'), part])),
      h('span', {}, ...prose(kind.doc))
    );
  }

  private searching(event: KeyboardEvent): void {
    const first = this.list.querySelector<HTMLElement>('button');
    if (event.key === 'Enter' && first) {
      this.hooks.add(matching(this.kinds, this.search.value)[0]);
      this.search.select();
    } else if (event.key === 'ArrowDown') {
      first?.focus();
    } else if (event.key === 'Escape' && this.search.value) {
      this.search.value = '';
      this.draw();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  private walking(event: KeyboardEvent): void {
    const way = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (way) {
      const all = [...this.list.querySelectorAll<HTMLElement>('button')];
      (all[all.indexOf(event.currentTarget as HTMLElement) + way] ?? this.search).focus();
      event.preventDefault();
      event.stopPropagation();
    }
  }

  private press(event: PointerEvent, kind: IKind): void {
    const entry = event.currentTarget as HTMLElement;
    const { clientX, clientY, pointerId, button } = event;
    if (button !== 0) {
      return;
    }
    let ghost: HTMLElement | null = null;
    const move = (to: PointerEvent) => {
      if (!ghost && Math.hypot(to.clientX - clientX, to.clientY - clientY) > FAR) {
        ghost = h('div', { class: 'akid-ghost' }, kind.name);
        this.node.append(ghost);
        entry.setPointerCapture(pointerId);
      }
      if (ghost) {
        ghost.style.left = `${to.clientX + 8}px`;
        ghost.style.top = `${to.clientY + 8}px`;
        this.hooks.over(to);
      }
    };
    const end = (to: PointerEvent) => {
      document.removeEventListener('pointermove', move);
      document.removeEventListener('pointerup', end);
      document.removeEventListener('pointercancel', end);
      if (ghost) {
        ghost.remove();
        entry.addEventListener('click', swallow, { capture: true, once: true });
        setTimeout(() => entry.removeEventListener('click', swallow, { capture: true }));
        if (to.type === 'pointerup') {
          this.hooks.drop(kind, to);
        }
      }
    };
    document.addEventListener('pointermove', move);
    document.addEventListener('pointerup', end);
    document.addEventListener('pointercancel', end);
  }
}

function swallow(event: Event): void {
  event.stopPropagation();
  event.preventDefault();
}
