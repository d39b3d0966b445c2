// Where the run trains, in the notebook's own process or on ranks, and the menu that moves it.

import { processes } from '../format';
import type { DashboardModel } from '../model';
import { h, write } from './dom';

export class Processes {
  private readonly word = h('b');
  private readonly button = h(
    'button',
    { type: 'button', class: 'akid-button akid-move', 'aria-haspopup': 'menu', 'aria-expanded': 'false', click: () => this.toggle(), keydown: (event: KeyboardEvent) => this.onButtonKey(event) },
    h('span', {}, 'Processes'),
    this.word
  );
  private readonly menu = h('div', { class: 'akid-menu', role: 'menu', 'aria-label': 'Go on with', hidden: true, keydown: (event: KeyboardEvent) => this.onMenuKey(event) });
  readonly node = h('div', { class: 'akid-processes', hidden: true, focusout: (event: FocusEvent) => this.onLeave(event) }, this.button, this.menu);

  constructor(private readonly model: DashboardModel) {}

  update(): void {
    const { run, pending } = this.model;
    const places = run.places ?? [];
    this.node.hidden = places.length === 0;
    const asked = pending.get('ranks');
    const goal = asked && asked.state !== 'lost' ? Math.max(1, asked.command.value ?? 1) : null;
    write(this.word, goal === null ? processes(run.world_size) : `→ ${processes(goal)}`);
    this.button.classList.toggle('akid-busy', goal !== null);
    this.button.disabled = goal !== null;
    this.button.title = goal === null ? 'How many processes train; the run goes on with another number' : `On its way: ${processes(goal)}`;
    if (this.node.hidden || goal !== null) {
      this.close();
    }
    this.fill(places);
  }

  private fill(places: number[]): void {
    if (this.menu.dataset.places !== places.join()) {
      this.menu.dataset.places = places.join();
      this.menu.replaceChildren(...places.map(place => this.item(place)));
    }
    for (const item of this.items) {
      item.setAttribute('aria-checked', String(Number(item.dataset.place) === this.model.run.world_size));
    }
  }

  private item(place: number): HTMLButtonElement {
    return h('button', { type: 'button', role: 'menuitemradio', tabindex: -1, 'data-place': place, click: () => this.choose(place) }, processes(place));
  }

  private choose(place: number): void {
    this.close(true);
    if (place !== this.model.run.world_size) {
      this.model.act('ranks', place);
    }
  }

  private get items(): HTMLElement[] {
    return [...this.menu.children] as HTMLElement[];
  }

  private toggle(): void {
    if (this.menu.hidden) {
      this.menu.hidden = false;
      this.button.setAttribute('aria-expanded', 'true');
      (this.items.find(item => item.getAttribute('aria-checked') === 'true') ?? this.items[0])?.focus();
    } else {
      this.close(true);
    }
  }

  private close(focus = false): void {
    if (!this.menu.hidden) {
      this.menu.hidden = true;
      this.button.setAttribute('aria-expanded', 'false');
      if (focus) {
        this.button.focus();
      }
    }
  }

  private onButtonKey(event: KeyboardEvent): void {
    if (event.key === 'ArrowDown' && this.menu.hidden) {
      this.toggle();
      event.preventDefault();
      event.stopPropagation();
    }
  }

  private onMenuKey(event: KeyboardEvent): void {
    const { items } = this;
    const at = items.indexOf(document.activeElement as HTMLElement);
    const moves: { [key: string]: number } = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 };
    if (event.key in moves) {
      items.at(moves[event.key] % items.length)?.focus();
      event.preventDefault();
    } else if (event.key === 'Escape') {
      this.close(true);
    }
    event.stopPropagation(); // or the dashboard takes the keys for its own
  }

  private onLeave(event: FocusEvent): void {
    if (!this.node.contains(event.relatedTarget as Node | null)) {
      this.close();
    }
  }
}
