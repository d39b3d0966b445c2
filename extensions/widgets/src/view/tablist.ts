// The list of tabs and the one that is shown: keys and roles as the ARIA practices have them.

import type { DashboardModel } from '../model';
import { h, write } from './dom';
import { TABS, type IEntry, type ITab, type ITabHost } from './tabs';

export class TabList {
  private readonly made = new Map<string, ITab>();
  private readonly heads = new Map<string, HTMLElement>();
  private readonly marks = new Map<string, HTMLElement>();
  private readonly list = h('div', { class: 'akid-tablist', role: 'tablist', 'aria-label': 'What is shown', keydown: (event: KeyboardEvent) => this.onKey(event) });
  private readonly tools = h('div', { class: 'akid-tabtools' });
  readonly head = h('div', { class: 'akid-tabs' }, this.list, this.tools);
  readonly panel: HTMLElement;
  private name = '';
  private words: string | null = null;

  constructor(
    private readonly model: DashboardModel,
    private readonly host: ITabHost
  ) {
    this.panel = h('div', { class: 'akid-tabpanel', role: 'tabpanel', id: `${host.key}-panel` });
    TABS.forEach(entry => this.add(entry));
    const sizes = new ResizeObserver(() => this.shown?.resize?.());
    sizes.observe(this.panel);
    this.dispose = () => {
      sizes.disconnect();
      this.made.forEach(tab => tab.dispose());
    };
  }

  readonly dispose: () => void;

  get shown(): ITab | undefined {
    return this.made.get(this.name);
  }

  /** The tabs of which something is known, by name. */
  get tabs(): ReadonlyMap<string, ITab> {
    return this.made;
  }

  show(name: string, words: string | null = null): void {
    this.model.tab = name;
    this.words = words;
    this.host.change({});
  }

  /** Show the tab of this place in the list, from 1; false if there is none. */
  pick(place: number): boolean {
    const head = [...this.heads].filter(([, head]) => !head.hidden)[place - 1];
    if (head) {
      this.show(head[0]);
    }
    return head !== undefined;
  }

  update(): void {
    const there = TABS.filter(entry => entry.isThere(this.model));
    const entry = there.find(({ name }) => name === this.model.tab) ?? there[0];
    for (const { name, mark } of TABS) {
      this.heads.get(name)!.hidden = !there.some(one => one.name === name);
      this.mark(name, mark?.(this.model) ?? '');
    }
    if (entry.name !== this.name) {
      this.change(entry);
    }
    this.shown!.update();
    if (this.words !== null) {
      this.shown!.find?.(this.words);
      this.words = null;
    }
  }

  private add({ name }: IEntry): void {
    const mark = h('span', { class: 'akid-tabmark', hidden: true }, h('span', { class: 'akid-unseen' }));
    const head = h('button', { type: 'button', class: 'akid-tab', role: 'tab', id: `${this.host.key}-${name.replace(/\W/g, '')}`, 'aria-selected': 'false', tabindex: -1, 'aria-controls': this.panel.id, click: () => this.show(name) }, name, mark);
    this.heads.set(name, head);
    this.marks.set(name, mark);
    this.list.append(head);
  }

  private mark(name: string, said: string): void {
    const mark = this.marks.get(name)!;
    mark.hidden = !said;
    mark.title = said;
    write(mark.firstElementChild as HTMLElement, said && ` (${said})`);
  }

  private change(entry: IEntry): void {
    this.shown?.pause?.();
    this.name = entry.name;
    for (const [name, head] of this.heads) {
      head.setAttribute('aria-selected', String(name === entry.name));
      head.tabIndex = name === entry.name ? 0 : -1;
    }
    if (!this.made.has(entry.name)) {
      this.made.set(entry.name, entry.make(this.model, this.host));
    }
    const { node, tools } = this.shown!;
    this.panel.setAttribute('aria-labelledby', this.heads.get(entry.name)!.id);
    this.panel.dataset.tab = entry.name;
    this.panel.replaceChildren(node);
    this.tools.replaceChildren(...(tools ? [tools] : []));
  }

  private onKey(event: KeyboardEvent): void {
    const heads = [...this.heads].filter(([, head]) => !head.hidden);
    const at = heads.findIndex(([name]) => name === this.name);
    const last = heads.length - 1;
    const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at ? at - 1 : last, Home: 0, End: last }[event.key];
    if (to !== undefined) {
      this.show(heads[to][0]);
      heads[to][1].focus();
      event.preventDefault();
    }
  }
}
