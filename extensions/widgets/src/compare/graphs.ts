// The graphs of two brains side by side, what differs marked in both, and told in a list.

import { s } from '../graph/svg';
import type { IPlace } from '../graph/layout';
import { GraphView } from '../graph/view';
import { h, write } from '../view/dom';
import type { CompareModel } from './model';
import { marks, type Mark } from './said';
import type { IGraphs } from './tokens';

class MarkedGraph extends GraphView {
  differing: ReadonlyMap<string, { mark: Mark; said: string }> = new Map();

  protected override decorate({ node }: IPlace, element: SVGGElement): void {
    const found = this.differing.get(node.id);
    if (found) {
      element.classList.add('akid-differs', `akid-differs-${found.mark}`);
      element.setAttribute('aria-label', `${element.getAttribute('aria-label')} ${found.mark}: ${found.said}`);
      element.append(s('title', {}, `${found.mark}: ${found.said}`));
    }
  }
}

export class Graphs {
  private readonly note = h('p', { class: 'akid-note', role: 'status' }, 'Asking for the graphs …');
  private readonly choice = h('select', { 'aria-label': 'Which run is compared with the first', change: () => this.show() });
  private readonly list = h('ul', { class: 'akid-differences', 'aria-label': 'What differs' });
  private readonly views: MarkedGraph[];
  private readonly heads = [h('h4', {}), h('h4', {})];
  private readonly sides: HTMLElement;
  readonly node: HTMLElement;
  private graphs: IGraphs | null = null;

  constructor(private readonly model: CompareModel) {
    let leads = true;
    this.views = [0, 1].map(at => new MarkedGraph({ chosen: node => {
      if (leads && node) {
        leads = false; // the other one follows, and does not lead back
        const other = this.views[1 - at];
        if (other.graph.nodes.some(({ id }) => id === node.id)) {
          other.reveal(node.id);
        }
        leads = true;
      }
    } }));
    this.sides = h('div', { class: 'akid-sides', hidden: true }, ...this.views.map((view, at) => h('section', { class: 'akid-side' }, this.heads[at], view.node)));
    this.node = h('div', { class: 'akid-compare-graphs' }, h('label', { class: 'akid-choose' }, h('span', {}, 'Compared with'), this.choice), this.note, this.list, this.sides);
  }

  async open(): Promise<void> {
    if (this.graphs) {
      return;
    }
    try {
      this.graphs = (await this.model.ask<IGraphs>('graphs')).content;
    } catch (error) {
      write(this.note, (error as Error).message);
      return;
    }
    const { runs } = this.model;
    this.choice.replaceChildren(...runs.slice(1).map((run, at) => h('option', { value: at + 1 }, run.name)));
    const first = this.graphs.differences.findIndex((one, at) => at > 0 && one && Object.values(one).some(part => Object.keys(part as object).length));
    this.choice.value = String(Math.max(1, first));
    this.show();
  }

  dispose(): void {
    this.views.forEach(view => view.dispose());
  }

  private show(): void {
    const { graphs, differences } = this.graphs!;
    const at = Number(this.choice.value);
    const [one, other, changes] = [graphs[0], graphs[at], differences[at]];
    const names = [this.model.runs[0].name, this.model.runs[at].name];
    this.sides.hidden = !(one && other && changes);
    if (!one || !other || !changes) {
      const silent = names.filter((_, i) => ![one, other][i]);
      write(this.note, `${silent.join(' and ')} told no graph: it did not begin to train, or an early akidlab recorded it.`);
      this.list.replaceChildren();
      return;
    }
    const all = [marks(changes, false), marks(changes, true)];
    this.views.forEach((view, i) => {
      view.differing = all[i];
      write(this.heads[i], names[i]);
      view.set([one, other][i]);
    });
    const found = new Map([...all[0], ...all[1]]);
    write(this.note, found.size ? '' : 'The two graphs are the same.');
    this.list.replaceChildren(...[...found].map(([id, { mark, said }]) => h('li', {}, h('button', { type: 'button', class: `akid-mini akid-told-${mark}`, click: () => this.reveal(id) }, `${mark} ${id}`), ` ${said}`)));
  }

  private reveal(id: string): void {
    this.views.filter(view => view.graph.nodes.some(node => node.id === id)).forEach(view => view.reveal(id));
  }
}
