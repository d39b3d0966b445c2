// The tab of the distributions: a small chart for each tensor, one of them large; fetched only while they are seen.

import { title } from '../format';
import { choose } from '../groups';
import type { DashboardModel } from '../model';
import { h, prose, write } from '../view/dom';
import type { ITab, ITabHost } from '../view/tabs';
import { Card } from './card';
import type { ILargeHost } from './large';
import { Feed, type IBands, type ISource } from './feed';
import { Large } from './large';
import type { IColours } from './paint';
import { topicOf, topics } from './said';
import type { Choice } from './scale';

const FEW = 12; // up to so many are shown together, of whatever topic
const SMALL = { points: 120, capacity: 512 };
const LARGE = { points: 800, capacity: 4096 };
const MARKED = new Set(['rate', 'guard', 'early_stop']);
const CHOICES: [Choice, string][] = [
  ['auto', 'axis: as it fits'],
  ['linear', 'axis: even'],
  ['log', 'axis: log-like']
];
const HOW = 'Nobody looked inside this run. `%%akid_train --watch` does, or `kid.watch()` before `kid.practice()`: then weights, activations and gradients are drawn here.';

export class Distributions implements ITab, ILargeHost {
  private readonly topic = h('select', { 'aria-label': 'What is shown', change: () => this.update() });
  private readonly filter = h('input', {
    type: 'search', class: 'akid-filter', placeholder: 'Filter by name', spellcheck: 'false',
    'aria-label': 'Show only those whose names hold these words', title: 'Words of names, such as conv1 or features*relu',
    input: () => this.update()
  });
  private readonly axis = h('select', { 'aria-label': 'The axis of the values', title: 'Log-like: by orders of magnitude, both ways from zero', change: () => this.update() }, ...CHOICES.map(([name, said]) => h('option', { value: name }, said)));
  readonly tools = h('div', { class: 'akid-tools akid-bands-tools' }, this.topic, this.filter, this.axis);
  private readonly grid = h('div', { class: 'akid-bands-grid' });
  private readonly note = h('p', { class: 'akid-note', role: 'status' });
  private readonly holder = h('div');
  readonly node = h('div', { class: 'akid-bands' }, this.note, this.grid, this.holder);
  readonly keys: [string, string][] = [
    ['Enter', 'Show a distribution large'],
    ['← →', 'In the large one: from look to look'],
    ['PageUp PageDown', 'In the large one: the one before or after']
  ];

  private readonly feed: Feed;
  private detail: Feed | null = null;
  private large: Large | null = null;
  private readonly cards = new Map<string, Card>();
  private readonly seen = new Set<string>();
  private readonly sight: IntersectionObserver;
  private readonly source: ISource;
  private shown: string[] = [];
  private offered = '';
  private isShown = false;
  private tints: IColours | null = null;

  constructor(
    private readonly model: DashboardModel,
    private readonly host: ITabHost
  ) {
    const isSeen = () => this.isShown && host.isSeen;
    this.source = {
      ask: asked => model.ask<IBands>('bands', asked),
      get state() {
        return `${model.run.step} ${model.run.status}`;
      },
      get isSeen() {
        return isSeen();
      }
    };
    this.feed = new Feed(this.source, SMALL);
    this.feed.changed.connect(() => this.draw());
    this.sight = new IntersectionObserver(entries => this.look(entries), { rootMargin: '80px' });
  }

  dispose(): void {
    this.feed.dispose();
    this.detail?.dispose();
    this.sight.disconnect();
    this.large?.dispose();
    this.cards.forEach(card => card.rest());
  }

  pause(): void {
    this.isShown = false;
    this.feed.pause();
    this.detail?.pause();
  }

  resize(): void {
    this.draw();
  }

  redraw(): void {
    this.tints = null;
    this.draw();
  }

  escape(): boolean {
    if (this.large?.hasTable) {
      this.large.toggleTable();
    } else if (this.large) {
      this.close();
    } else if (this.filter.value) {
      this.filter.value = '';
      this.update();
    } else {
      return false;
    }
    return true;
  }

  find(words: string): void {
    this.filter.value = words;
    this.update();
  }

  update(): void {
    this.isShown = true;
    this.ask();
    this.draw();
  }

  // -- what the charts share

  get name(): string {
    return this.model.run.name;
  }

  get choice(): Choice {
    return this.axis.value as Choice;
  }

  /** From 0 to the last step, with a little room while it grows; or what was zoomed in to. */
  get steps(): [number, number] {
    if (this.host.state.zoom) {
      return this.host.state.zoom;
    }
    const { step, max_steps, live } = this.model.run;
    const seen = Math.max(1, step);
    return [0, live && max_steps && seen > 0.3 * max_steps ? Math.max(seen, max_steps) : seen];
  }

  get marks(): number[] {
    const [first, last] = this.steps;
    const marked = this.model.events.filter(({ kind, step }) => MARKED.has(kind) && step > first && step <= last);
    return marked.slice(-50).map(({ step }) => step);
  }

  get colours(): IColours {
    if (!this.tints) {
      const style = getComputedStyle(this.node);
      const css = (name: string) => style.getPropertyValue(name).trim();
      this.tints = {
        band: css('--akid-first'), ink: css('--akid-ink'), quiet: css('--akid-quiet'), grid: css('--akid-grid'),
        mark: css('--akid-mark'), bad: css('--akid-bad'), font: `11px ${style.fontFamily}`
      };
    }
    return this.tints;
  }

  point(step: number | null): void {
    if (this.large) {
      this.large.mark(step);
    } else {
      this.seen.forEach(tag => this.cards.get(tag)?.mark(step));
    }
  }

  zoom(steps: [number, number] | null): void {
    this.host.change({ zoom: steps });
  }

  // -- one of them large

  open(tag: string): void {
    this.large?.dispose();
    this.detail?.dispose();
    this.detail = new Feed(this.source, LARGE);
    this.detail.names = [...this.feed.names];
    this.detail.changed.connect(() => this.draw());
    this.large = new Large(tag, this);
    this.holder.replaceChildren(this.large.node);
    this.grid.hidden = true;
    this.update();
    this.large.focus();
  }

  close(): void {
    const tag = this.large?.tag;
    this.large?.dispose();
    this.detail?.dispose();
    this.large = this.detail = null;
    this.holder.replaceChildren();
    this.grid.hidden = false;
    this.update();
    this.cards.get(tag ?? '')?.node.focus();
  }

  turn(by: number): void {
    const at = this.shown.indexOf(this.large!.tag);
    this.open(this.shown[(at + by + this.shown.length) % this.shown.length]);
  }

  // -- what is seen

  private look(entries: IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      const tag = (target as HTMLElement).dataset.tag!;
      if (isIntersecting) {
        this.seen.add(tag);
      } else {
        this.seen.delete(tag);
        this.cards.get(tag)?.rest();
      }
    }
    this.ask();
    this.draw();
  }

  /** What is to be fetched: the large one, else those in sight. */
  private ask(): void {
    const { zoom } = this.host.state;
    if (this.large) {
      this.detail!.want([this.large.tag], zoom && [Math.max(0, Math.floor(zoom[0])), Math.max(0, Math.ceil(zoom[1]))]);
    } else {
      this.feed.want(this.shown.filter(tag => this.seen.has(tag)));
    }
  }

  private draw(): void {
    if (!this.isShown || !this.node.isConnected) {
      return;
    }
    this.offer();
    this.lay();
    write(this.note, '');
    if (!this.feed.names.length) {
      this.note.replaceChildren(...prose(this.feed.note || (this.feed.isTold ? HOW : 'Fetching…')));
    } else if (!this.shown.length) {
      write(this.note, 'None has such a name.');
    } else if (this.feed.note && !this.large) {
      write(this.note, this.feed.note);
    }
    if (this.large) {
      const bands = this.detail!.known.get(this.large.tag) ?? this.feed.known.get(this.large.tag);
      this.large.draw(bands);
    } else {
      this.seen.forEach(tag => this.cards.get(tag)?.draw(this.feed.known.get(tag)));
    }
  }

  /** The topics to choose from. */
  private offer(): void {
    const { names } = this.feed;
    this.tools.hidden = !names.length;
    const found = topics(names);
    const offered = JSON.stringify([...found]);
    if (offered === this.offered) {
      return;
    }
    const isFirst = !this.offered || this.offered === '[]';
    const chosen = isFirst ? (names.length > FEW ? [...found.keys()][0] : '') : this.topic.value;
    this.offered = offered;
    this.topic.replaceChildren(
      h('option', { value: '' }, `All (${names.length})`),
      ...[...found].map(([topic, many]) => h('option', { value: topic }, `${title(topic)} (${many})`))
    );
    this.topic.value = chosen;
  }

  /** A card for each that is chosen, made once; they stand by topic, in the order in which they came. */
  private lay(): void {
    const { names } = this.feed;
    const order = [...topics(names).keys()];
    const chosen = names.filter(tag => !this.topic.value || topicOf(tag) === this.topic.value);
    const shown = choose(chosen, this.filter.value, names).sort((one, other) => order.indexOf(topicOf(one)) - order.indexOf(topicOf(other)));
    this.grid.classList.toggle('akid-bands-one', this.topic.value !== '');
    if (shown.join('\n') === this.shown.join('\n')) {
      return;
    }
    this.shown = shown;
    const kept = new Set(shown);
    for (const [tag, card] of this.cards) {
      if (!kept.has(tag)) {
        this.sight.unobserve(card.node);
        card.rest();
        card.node.remove();
        this.cards.delete(tag);
        this.seen.delete(tag);
      }
    }
    this.grid.replaceChildren(...shown.map(tag => this.card(tag).node));
    this.ask();
  }

  private card(tag: string): Card {
    let card = this.cards.get(tag);
    if (!card) {
      this.cards.set(tag, (card = new Card(tag, this, () => this.open(tag))));
      this.sight.observe(card.node);
    }
    return card;
  }
}
