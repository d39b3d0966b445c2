// The tabs of the filters and of the feature maps: small multiples, one of them large, and a slider through the steps.

import { count } from '../format';
import type { DashboardModel } from '../model';
import { BranchButton } from '../view/branching';
import { h, write } from '../view/dom';
import type { ITab, ITabHost } from '../view/tabs';
import { Feed, type IPictures, type ISource } from './feed';
import { PictureFigure } from './figure';
import type { ILayout, LayoutName } from './layouts';
import { nameOf, size, type IPicture } from './picture';

const LAYOUTS: [LayoutName, string][] = [
  ['dynamic', 'layout: nearly square'],
  ['normal', 'layout: in columns'],
  ['inverse', 'layout: in rows'],
  ['square', 'layout: all channels tiled']
];
const COUNTED = new Set<LayoutName>(['normal', 'inverse']);
const SMALL = 250; // pixels of a small picture, at most
const LARGE = 560;

interface ICard {
  node: HTMLElement;
  figure: PictureFigure;
  said: HTMLElement;
}

export class PicturesTab implements ITab {
  private readonly layout = h('select', { 'aria-label': 'Layout of the filters', change: () => this.draw() }, ...LAYOUTS.map(([name, said]) => h('option', { value: name }, said)));
  private readonly num = h('input', { type: 'number', min: 1, max: 64, value: 4, 'aria-label': 'How many', title: 'How many columns, or filters in a column', input: () => this.draw() });
  private readonly filter = h('input', {
    type: 'search', class: 'akid-filter', placeholder: 'Filter by name', spellcheck: 'false', 'aria-label': 'Show only blocks whose names hold this', input: () => this.draw()
  });
  private readonly slider = h('input', { type: 'range', class: 'akid-pictures-slider', min: 0, max: 0, value: 0, 'aria-label': 'Step of training', input: () => this.travel() });
  private readonly when = h('output', { class: 'akid-pictures-when' });
  private readonly newest = h('button', { type: 'button', class: 'akid-button akid-plain', title: 'Show the newest pictures again', hidden: true, click: () => this.follow() }, 'Newest');
  private readonly past = h('div', { class: 'akid-pictures-past' }, h('label', {}, 'Step', this.slider), this.when, this.newest);
  private readonly branch: BranchButton;
  readonly tools: HTMLElement;
  private readonly note = h('p', { class: 'akid-note', role: 'status' });
  private readonly grid = h('div', { class: 'akid-pictures-grid' });
  private readonly holder = h('div');
  readonly node = h('div', { class: 'akid-pictures' }, this.past, this.note, this.grid, this.holder);
  readonly keys: [string, string][] = [
    ['← →', 'On the slider: from picture to picture through the training'],
    ['Enter', 'Show a picture large'],
    ['← ↑ → ↓', 'In the large one: from number to number']
  ];

  private readonly feed: Feed;
  private readonly cards = new Map<string, ICard>();
  private large: { tag: string; figure: PictureFigure; said: HTMLElement } | null = null;
  private isShown = false;

  constructor(
    model: DashboardModel,
    host: ITabHost,
    private readonly topic: 'filters' | 'maps'
  ) {
    const isSeen = () => this.isShown && host.isSeen;
    const source: ISource = {
      ask: asked => model.ask<IPictures>('pictures', asked),
      get state() {
        return `${model.run.step} ${model.run.status}`;
      },
      get isSeen() {
        return isSeen();
      }
    };
    this.tools = h('div', { class: 'akid-tools akid-pictures-tools' }, topic === 'filters' ? this.layout : null, topic === 'filters' ? this.num : null, this.filter);
    this.branch = new BranchButton(model);
    this.past.append(this.branch.node);
    this.feed = new Feed(source, topic);
    this.feed.changed.connect(() => this.draw());
  }

  dispose(): void {
    this.feed.dispose();
    this.branch.dispose();
  }

  find(words: string): void {
    this.filter.value = words;
    this.draw();
  }

  update(): void {
    this.isShown = true;
    this.feed.poke();
    this.draw();
  }

  pause(): void {
    this.isShown = false;
    this.feed.pause();
  }

  resize(): void {
    this.draw();
  }

  redraw(): void {
    this.draw();
  }

  escape(): boolean {
    if (!this.large) {
      return false;
    }
    this.close();
    return true;
  }

  private get chosen(): ILayout {
    return { type: this.layout.value as LayoutName, num: Math.max(1, Math.floor(Number(this.num.value)) || 1) };
  }

  private travel(): void {
    const at = Number(this.slider.value);
    this.feed.want(at >= this.feed.steps.length - 1 ? null : this.feed.steps[at]);
    this.draw();
  }

  private follow(): void {
    this.feed.want(null);
    this.draw();
    this.slider.focus();
  }

  private draw(): void {
    if (!this.isShown) {
      return;
    }
    const { feed } = this;
    this.num.hidden = !COUNTED.has(this.chosen.type);
    const none = this.topic === 'filters' ? 'No filters were recorded yet.' : 'No feature maps were recorded yet.';
    write(this.note, feed.note || (feed.isTold && !feed.names.length ? none : ''));
    this.note.hidden = !this.note.textContent;
    this.drawPast();
    const words = this.filter.value.trim().toLowerCase();
    const shown = feed.names.filter(tag => feed.known.has(tag) && nameOf(tag).toLowerCase().includes(words));
    this.grid.hidden = this.large !== null;
    for (const [tag, card] of this.cards) {
      card.node.hidden = !shown.includes(tag);
    }
    shown.forEach(tag => this.drawCard(feed.known.get(tag)!));
    if (this.large) {
      this.drawLarge(feed.known.get(this.large.tag)!);
    }
  }

  private drawPast(): void {
    const { steps, step } = this.feed;
    this.past.hidden = steps.length < 2;
    const at = step === null ? steps.length - 1 : Math.max(0, steps.filter(one => one <= step).length - 1);
    this.slider.max = String(Math.max(0, steps.length - 1));
    this.slider.value = String(at);
    this.slider.setAttribute('aria-valuetext', `step ${steps[at] ?? 0}`);
    write(this.when, steps.length ? `${count(steps[at])} of ${count(steps[steps.length - 1])}` : '');
    this.newest.hidden = step === null;
    this.branch.update(step === null ? null : steps[at] ?? null);
  }

  private drawCard(picture: IPicture): void {
    let card = this.cards.get(picture.tag);
    if (!card) {
      this.cards.set(picture.tag, (card = this.makeCard(picture.tag)));
      this.grid.append(card.node);
    }
    if (!this.large) {
      card.figure.draw(picture, this.chosen);
      write(card.said, size(picture));
    }
  }

  private makeCard(tag: string): ICard {
    const said = h('span', { class: 'akid-at' });
    const node = h(
      'section',
      { class: 'akid-panel akid-pictures-card', 'aria-label': nameOf(tag), 'data-picture': nameOf(tag) },
      h('header', {}, h('h4', { title: nameOf(tag) }, nameOf(tag)), said)
    );
    const figure = new PictureFigure(() => [Math.max(0, this.grid.clientWidth ? Math.min(node.clientWidth - 22, SMALL * 2) : 0), SMALL]);
    const open = h('button', { type: 'button', class: 'akid-pictures-open', title: `Show ${nameOf(tag)} large`, 'aria-label': `Show ${nameOf(tag)} large`, click: () => this.open(tag) }, figure.node);
    node.append(open);
    return { node, figure, said };
  }

  private open(tag: string): void {
    const said = h('span', { class: 'akid-at' });
    const figure = new PictureFigure(() => [this.holder.clientWidth - 40, LARGE], true);
    const close = h('button', { type: 'button', class: 'akid-button', title: 'Show all of them (Escape)', click: () => this.close() }, 'All');
    this.large = { tag, figure, said };
    this.holder.replaceChildren(
      h('section', { class: 'akid-panel akid-pictures-large', 'aria-label': `${nameOf(tag)}, large` }, h('header', {}, h('h4', {}, nameOf(tag)), said, close), figure.node)
    );
    this.draw();
    close.focus();
  }

  private close(): void {
    const tag = this.large?.tag;
    this.large = null;
    this.holder.replaceChildren();
    this.draw();
    if (tag) {
      this.cards.get(tag)?.node.querySelector<HTMLElement>('button')?.focus();
    }
  }

  private drawLarge(picture: IPicture): void {
    this.large!.figure.draw(picture, this.chosen);
    write(this.large!.said, size(picture));
  }
}
