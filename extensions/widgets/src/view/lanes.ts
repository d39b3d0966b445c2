// A timeline: a lane for each rank, with bars for its own work, for averaging, and for what else ranks did together.

import { bytes, count, ms } from '../format';
import { steps, ticks, timeline, type IBar, type ITimeline } from '../ranks';
import { h, icon, write } from './dom';

const [LANE, BAR, AXIS] = [26, 18, 20]; // pixels
const ZOOM = 1.6;
const WIDEST = 60_000; // pixels
const WORDS = { own: 'own work', wait: 'averaging and waiting', other: 'other things done together' };

export class Lanes {
  private readonly title = h('h4');
  private readonly names = h('div', { class: 'akid-lane-names', 'aria-hidden': 'true' });
  private readonly drawing = h('div', { class: 'akid-lanes', tabindex: 0, role: 'img', keydown: (event: KeyboardEvent) => this.onKey(event) });
  private readonly table = h('div', { class: 'akid-table', tabindex: 0, hidden: true, role: 'region', 'aria-label': 'The timeline as a table' });
  private readonly picture = h('div', { class: 'akid-timeline' }, this.names, this.drawing);
  private readonly tableButton = h('button', { type: 'button', class: 'akid-mini', 'aria-pressed': 'false', title: 'The timeline as a table', 'aria-label': 'The timeline as a table', click: () => this.toggle() }, icon('table'));
  private readonly save = h('button', { type: 'button', class: 'akid-mini', title: 'Save the trace, for chrome://tracing or ui.perfetto.dev', click: () => this.keep() }, icon('save'), 'JSON');
  readonly node = h(
    'section',
    { class: 'akid-panel', hidden: true, 'aria-label': 'Timeline' },
    h(
      'header',
      {},
      this.title,
      ...(['own', 'wait', 'other'] as const).map(kind => h('span', { class: 'akid-chip', 'data-kind': kind }, h('i', {}), h('span', {}, WORDS[kind]))),
      h('span', { class: 'akid-at' }),
      h('button', { type: 'button', class: 'akid-mini', title: 'Wider (+)', 'aria-label': 'Wider', click: () => this.zoom(ZOOM) }, '+'),
      h('button', { type: 'button', class: 'akid-mini', title: 'Narrower (−)', 'aria-label': 'Narrower', click: () => this.zoom(1 / ZOOM) }, '−'),
      this.save,
      this.tableButton
    ),
    this.picture,
    this.table
  );
  private shown: ITimeline | null = null;
  private text = '';
  private name = '';
  private scale = 1;

  /** Show a timeline: the name of its file, what it is called, and what it holds. */
  show(name: string, title: string, text: string): void {
    [this.name, this.text, this.scale] = [name, text, 1];
    this.shown = timeline(text);
    write(this.title, title);
    this.node.hidden = false;
    this.draw();
    this.fill();
  }

  private zoom(times: number): void {
    const { drawing } = this;
    const middle = (drawing.scrollLeft + drawing.clientWidth / 2) / Math.max(1, drawing.scrollWidth);
    this.scale = Math.max(1, Math.min(this.scale * times, WIDEST / Math.max(1, drawing.clientWidth)));
    this.draw();
    drawing.scrollLeft = middle * drawing.scrollWidth - drawing.clientWidth / 2;
  }

  private draw(): void {
    const { lanes, bars, length } = this.shown!;
    this.names.replaceChildren(...lanes.map(name => h('span', { title: name }, name.replace(/ on .*/, ''))));
    const width = Math.max(200, (this.drawing.clientWidth || 600) * this.scale);
    const high = LANE * lanes.length + AXIS;
    const at = (time: number) => (time / Math.max(length, 1e-9)) * (width - 2) + 1;
    const marks = ticks(length, width / 90).filter(time => at(time) < width - 45).map(time => `<path class="akid-tick" d="M${at(time).toFixed(1)} 0V${LANE * lanes.length}"/><text class="akid-tick-text" x="${at(time).toFixed(1)}" y="${high - 5}">${time} ms</text>`);
    const drawn = bars.map(bar => {
      const x = at(bar.start);
      return `<rect class="akid-bar-${bar.kind}" x="${x.toFixed(2)}" y="${LANE * bar.rank + (LANE - BAR) / 2}" width="${Math.max(0.5, at(bar.start + bar.length) - x).toFixed(2)}" height="${BAR}"><title>${escape(told(bar))}</title></rect>`;
    });
    this.drawing.innerHTML = `<svg width="${width}" height="${high}" viewBox="0 0 ${width} ${high}">${marks.join('')}${drawn.join('')}</svg>`;
    this.drawing.setAttribute('aria-label', `Timeline of ${lanes.length} ranks, ${ms(length)} long. Its numbers are in the table.`);
  }

  private fill(): void {
    const rows = steps(this.shown!);
    const { lanes } = this.shown!;
    const heads = ['Step', ...lanes.flatMap((_, rank) => [`Rank ${rank}, own`, `Rank ${rank}, averaging`])];
    const body = rows.map(([step, own, wait]) =>
      h('tr', {}, h('th', { scope: 'row' }, count(step)), ...lanes.flatMap((_, rank) => [own[rank], wait[rank]].map(time => h('td', {}, time === null ? '' : ms(time)))))
    );
    this.table.replaceChildren(h('table', {}, h('thead', {}, h('tr', {}, ...heads.map(head => h('th', { scope: 'col' }, head)))), h('tbody', {}, ...body)));
  }

  private toggle(): void {
    const shown = (this.table.hidden = !this.table.hidden);
    this.picture.hidden = !shown;
    this.tableButton.setAttribute('aria-pressed', String(!shown));
    this.tableButton.replaceChildren(icon(shown ? 'table' : 'chart'));
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key === '+' || event.key === '-') {
      this.zoom(event.key === '+' ? ZOOM : 1 / ZOOM);
      event.preventDefault();
    }
  }

  private keep(): void {
    download(this.name, this.text);
  }
}

/** Save a text as a file. */
export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function told({ name, step, length, bytes: size }: IBar): string {
  return [step === null ? null : `step ${count(step)}`, name, ms(length), size ? bytes(size) : null].filter(Boolean).join(' · ');
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`);
}
