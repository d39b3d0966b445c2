// The brain as Python, and two ways to take it along.

import { h, write } from '../view/dom';

export class Code {
  private readonly text = h('code', {});
  private readonly note = h('span', { class: 'akid-note', role: 'status' });
  private readonly silent = h('p', { class: 'akid-note', hidden: true });
  private readonly pre = h('pre', { tabindex: 0, 'aria-label': 'The brain as Python' }, this.text);
  readonly node: HTMLElement;
  private code = '';

  /** @param insert puts a new cell into the notebook; false where it cannot */
  constructor(private readonly insert: (code: string) => boolean) {
    const button = (text: string, title: string, click: () => void) => h('button', { type: 'button', class: 'akid-button akid-plain', title, click }, text);
    this.node = h(
      'section',
      { class: 'akid-builder-code', 'aria-label': 'Code' },
      h('header', {}, h('h3', {}, 'Code'), this.note, button('Copy', 'Copy the code', () => void this.copy()), button('New cell', 'Put the code into a new cell below', () => this.cell())),
      this.silent,
      this.pre
    );
  }

  set(code: string, silent: string, isBefore: boolean): void {
    this.code = code;
    write(this.text, code);
    write(this.silent, silent || (isBefore ? 'The brain as it was: what is drafted does not fit yet.' : ''));
    this.silent.hidden = !silent && !isBefore;
    this.pre.hidden = !code;
  }

  private cell(): void {
    if (this.insert(this.code)) {
      write(this.note, 'put below');
    } else {
      void this.copy('This page takes no new cell: the code is copied, paste it into one.');
    }
  }

  private async copy(said = 'copied'): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.code);
      write(this.note, said);
    } catch {
      getSelection()?.selectAllChildren(this.text);
      write(this.note, 'selected: press Ctrl+C');
    }
  }
}
