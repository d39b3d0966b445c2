// The explorer: a sample, chosen or drawn, on its way through a living network: its maps, what is said to it, and why.

import { count } from '../format';
import type { IView, IWidget } from '../kinds';
import type { Line } from '../line';
import { Signal } from '../signal';
import { isDark, themeChanged, watchTheme } from '../theme';
import { h, write } from '../view/dom';
import { PictureFigure } from './figure';
import { Pad } from './pad';
import { nameOf, pictures, size, type IPicture, type ITold } from './picture';

const PACE = 90; // ms between two questions while one draws
const FOLLOW = 1000; // ms between two looks at a network that trains
const SMALL = 190;
const PATIENCE = 20_000; // ms for an answer: a large network takes a while
const WHY: { [name: string]: string } = { saliency: 'gradient (saliency)', occlusion: 'what hiding does (occlusion)' };

/** What there is to explore: `akidlab.observers.exploring`. */
interface IFacts {
  shape: number[];
  many: number;
  can_draw: boolean;
  why: string[];
}

interface ILook {
  pictures: ITold[];
  classes: number[];
  shares: number[];
  label: number | null;
  step: number | null;
  live: boolean;
  note: string;
}

export class ExplorerWidget implements IWidget {
  readonly changed = new Signal();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly line: Line) {
    void this.begin();
  }

  dispose(): void {
    clearTimeout(this.timer);
  }

  view(): IView {
    return new Explorer(this.line);
  }

  /** Until the kernel, which may be busy, answers, the picture stays where it is. */
  private async begin(pause = 2000): Promise<void> {
    try {
      await this.line.ask('look', { index: 0 });
      this.changed.emit();
    } catch {
      this.timer = setTimeout(() => void this.begin(Math.min(2 * pause, 30_000)), pause);
    }
  }
}

class Explorer implements IView {
  private readonly facts: IFacts;
  private readonly pad: Pad;
  private readonly index = h('input', { type: 'number', min: 0, value: 0, 'aria-label': 'Which sample', input: () => this.choose() });
  private readonly why: HTMLSelectElement;
  private readonly clear = h('button', { type: 'button', class: 'akid-button', title: 'Begin a new drawing', click: () => this.pad.clear() }, 'New drawing');
  private readonly about = h('p', { class: 'akid-explorer-about', role: 'status' });
  private readonly bars = h('div', { class: 'akid-explorer-bars', role: 'group', 'aria-label': 'Probabilities of classes' });
  private readonly note = h('p', { class: 'akid-note', role: 'status' });
  private readonly grid = h('div', { class: 'akid-pictures-grid' });
  readonly node: HTMLElement;
  private readonly cards = new Map<string, { node: HTMLElement; figure: PictureFigure; said: HTMLElement }>();
  private readonly known = new Map<string, IPicture>();
  private readonly rows = new Map<number, { node: HTMLElement; bar: HTMLElement; share: HTMLElement }>();
  private readonly end: () => void;
  private readonly sight: IntersectionObserver;
  private readonly room: ResizeObserver;
  private target: number | null = null;
  private isDrawn = false;
  private isInSight = true;
  private isLive = false;
  private isOver = false;
  private isFlying = false;
  private isStale = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly line: Line) {
    const facts = (this.facts = line.head as IFacts);
    const image = facts.shape.length === 3;
    const size: [number, number] = image ? [facts.shape[1], facts.shape[2]] : [1, facts.shape[0] ?? 1];
    this.pad = new Pad(size, facts.can_draw ? () => this.draw() : null);
    this.index.max = String(facts.many - 1);
    this.clear.hidden = !facts.can_draw;
    this.why = h('select', { 'aria-label': 'What the answer hangs on', change: () => this.look() }, h('option', { value: '' }, 'nothing'), ...facts.why.map(name => h('option', { value: name }, WHY[name] ?? name)));
    const turn = (by: number, said: string, sign: string) => h('button', { type: 'button', class: 'akid-button', title: said, 'aria-label': said, click: () => this.turn(by) }, sign);
    this.node = h(
      'div',
      { class: 'akid-dash akid-explorer', role: 'region', 'aria-label': 'Explorer of a network', keydown: (event: KeyboardEvent) => event.stopPropagation() },
      h(
        'div',
        { class: 'akid-explorer-top' },
        h(
          'div',
          { class: 'akid-explorer-sample' },
          this.pad.node,
          h('div', { class: 'akid-explorer-choice' }, turn(-1, 'The sample before', '‹'), h('label', {}, 'Sample ', this.index), turn(1, 'The next sample', '›'), this.clear),
          h('label', { class: 'akid-explorer-choice' }, 'Lay over it: ', this.why)
        ),
        h('div', { class: 'akid-explorer-said' }, this.about, this.bars)
      ),
      this.note,
      this.grid
    );
    watchTheme();
    this.end = themeChanged.connect(() => this.dress());
    this.sight = new IntersectionObserver(entries => {
      this.isInSight = entries[entries.length - 1].isIntersecting;
      this.follow();
    });
    this.sight.observe(this.node);
    this.room = new ResizeObserver(() => this.drawCards());
    this.room.observe(this.grid);
    this.dress();
    this.look();
  }

  dispose(): void {
    this.isOver = true;
    clearTimeout(this.timer);
    this.end();
    this.sight.disconnect();
    this.room.disconnect();
  }

  private dress(): void {
    this.node.classList.toggle('akid-dark', isDark());
    this.show();
  }

  private turn(by: number): void {
    const { many } = this.facts;
    this.index.value = String((Number(this.index.value) + by + many) % many);
    this.choose();
  }

  private choose(): void {
    this.isDrawn = false;
    this.pad.drawing = null;
    this.target = null;
    this.look();
  }

  private draw(): void {
    this.isDrawn = true;
    this.look(PACE);
  }

  /** Ask, once what is under way has come: only the last of many strokes counts. */
  private look(pause = 0): void {
    this.isStale = true;
    if (!this.isFlying) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => void this.fetch(), pause);
    }
  }

  /** A network that trains is looked at again while it can be seen. */
  private follow(): void {
    if (this.isLive && this.isInSight && !this.isFlying && !this.isStale && !this.isOver) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => void (document.hidden ? this.follow() : this.fetch()), FOLLOW);
    }
  }

  private async fetch(): Promise<void> {
    [this.isFlying, this.isStale] = [true, false];
    const index = Math.min(this.facts.many - 1, Math.max(0, Math.floor(Number(this.index.value)) || 0));
    const what = this.isDrawn ? { pixels: [...this.pad.drawing!.pixels] } : { index };
    try {
      const { content, buffers } = await this.line.ask<ILook>('look', { ...what, why: this.why.value || null, target: this.target }, PATIENCE);
      if (!this.isOver) {
        this.take(content, pictures(content.pictures, buffers));
      }
    } catch (error) {
      write(this.note, (error as Error).message);
    }
    this.isFlying = false;
    if (this.isStale && !this.isOver) {
      this.look(PACE);
    } else {
      this.follow();
    }
  }

  private take(look: ILook, found: IPicture[]): void {
    this.known.clear();
    found.forEach(picture => this.known.set(picture.tag, picture));
    this.isLive = look.live;
    const most = look.classes[look.shares.indexOf(Math.max(...look.shares))];
    const named = look.label === null ? '' : `Label ${look.label}. `;
    const said = most === undefined ? '' : `It says ${most}.`;
    const step = look.step === null ? '' : ` Step ${count(look.step)}${look.live ? ', still training' : ''}.`;
    const aimed = this.target ?? most;
    const over = !this.known.has('why') ? '' : this.why.value === 'occlusion' ? ` Red speaks for ${aimed}, blue against it.` : ` Red matters most for ${aimed}.`;
    write(this.about, `${this.isDrawn ? 'Your drawing. ' : named}${said}${step}${over}`);
    this.about.dataset.says = most === undefined ? '' : String(most);
    this.about.dataset.step = String(look.step ?? '');
    write(this.note, look.note);
    this.drawBars(look, most);
    this.show();
  }

  private drawBars({ classes, shares, label }: ILook, most: number | undefined): void {
    for (const [number, row] of this.rows) {
      if (!classes.includes(number)) {
        row.node.remove();
        this.rows.delete(number);
      }
    }
    classes.forEach((number, i) => {
      const row = this.rows.get(number) ?? this.makeRow(number);
      this.bars.append(row.node);
      row.bar.style.width = `${100 * shares[i]}%`;
      const percent = `${(100 * shares[i]).toFixed(1)}%`;
      write(row.share, percent);
      row.node.setAttribute('aria-label', `Class ${number}: ${percent}${number === label ? ', the label' : ''}. Show what speaks for it.`);
      row.node.setAttribute('aria-pressed', String(number === this.target));
      row.node.classList.toggle('akid-explorer-most', number === most);
      row.node.classList.toggle('akid-explorer-label', number === label && !this.isDrawn);
    });
  }

  private makeRow(number: number): { node: HTMLElement; bar: HTMLElement; share: HTMLElement } {
    const [bar, share] = [h('i'), h('span')];
    const node = h('button', { type: 'button', class: 'akid-explorer-row', title: 'Show what the answer hangs on for this class', click: () => this.aim(number) }, h('b', {}, String(number)), h('span', { class: 'akid-explorer-bar' }, bar), share);
    const row = { node, bar, share };
    this.rows.set(number, row);
    return row;
  }

  /** What speaks for a class, once more for the most likely one. */
  private aim(number: number): void {
    this.target = this.target === number ? null : number;
    if (this.target !== null && !this.why.value) {
      this.why.value = this.facts.why[0];
    }
    this.look();
  }

  private show(): void {
    const sample = this.known.get('maps/system_in');
    if (sample && !(this.isDrawn && this.isStale)) {
      this.pad.show(sample, this.known.get('why'));
    }
    this.drawCards();
  }

  private drawCards(): void {
    const shown = [...this.known.values()].filter(({ tag }) => tag.startsWith('maps/') && tag !== 'maps/system_in');
    for (const [tag, card] of this.cards) {
      if (!this.known.has(tag)) {
        card.node.remove();
        this.cards.delete(tag);
      }
    }
    for (const picture of shown) {
      const card = this.cards.get(picture.tag) ?? this.makeCard(picture.tag);
      write(card.said, size(picture));
      card.figure.draw(picture, { type: 'square', num: 1 });
    }
  }

  private makeCard(tag: string): { node: HTMLElement; figure: PictureFigure; said: HTMLElement } {
    const said = h('span', { class: 'akid-at' });
    const node = h('section', { class: 'akid-panel akid-pictures-card', 'aria-label': nameOf(tag), 'data-picture': nameOf(tag) }, h('header', {}, h('h4', { title: nameOf(tag) }, nameOf(tag)), said));
    const figure = new PictureFigure(() => [Math.max(0, node.clientWidth - 22), SMALL]);
    node.append(figure.node);
    this.grid.append(node);
    const card = { node, figure, said };
    this.cards.set(tag, card);
    return card;
  }
}
