// What is known of the node that is chosen.

import { count } from '../format';
import { h, prose, write } from '../view/dom';
import { emits, told, type IEdge, type INode, type Tree } from './graph';

export class Panel {
  private readonly body = h('div', { class: 'akid-graph-about' });
  readonly node = h('aside', { class: 'akid-graph-panel', 'aria-label': 'The chosen block' }, this.body);
  private readonly says = h('p', { class: 'akid-graph-says', hidden: true });
  private version = 0;
  private shown: string | null | undefined;

  /**
   * @param choose another node was clicked
   * @param more what else is to be shown of a node
   */
  constructor(
    private readonly choose: (id: string) => void,
    private readonly more: (node: INode) => (Node | null | Promise<Node | null>)[]
  ) {}

  /** Show a node; `says` is the number that colours it. */
  show(tree: Tree, node: INode | null, says: string): void {
    write(this.says, says);
    this.says.hidden = !says;
    if (this.shown === (node?.id ?? null)) {
      return; // what changes by itself is written in place, under the hands of who reads
    }
    this.shown = node?.id ?? null;
    const version = ++this.version;
    if (!node) {
      const { name, kind } = tree.graph;
      const blocks = tree.graph.nodes.filter(one => one.role !== 'input').length;
      const parameters = tree.of(null).reduce((sum, one) => sum + one.parameters, 0);
      this.body.replaceChildren(
        h('h3', {}, name),
        this.facts([['class', kind], ['blocks', count(blocks)], ['parameters', parameters ? count(parameters) : 'none yet']]),
        h('p', { class: 'akid-note' }, 'Choose a block to see what it is.')
      );
      return;
    }
    const edges = tree.edges(node.parent);
    this.body.replaceChildren(
      h('h3', {}, node.name, node.role === 'loss' || node.role === 'evaluation' ? h('span', { class: `akid-graph-role akid-graph-${node.role}` }, node.role) : null),
      node.doc ? h('p', {}, ...prose(node.doc)) : '',
      this.facts([
        ['class', node.kind],
        ['path', node.id === node.name ? '' : node.id],
        ['options', node.details],
        ['reads', this.links(edges.filter(edge => edge.target === node.id), 'source', tree)],
        ['emits', emits(node)],
        ['read by', this.links(edges.filter(edge => edge.source === node.id), 'target', tree)],
        ['parameters', parametersOf(node)],
        ['tied to', node.tied ? this.link(node.tied, node.tied) : '']
      ]),
      this.says
    );
    for (const part of this.more(node)) {
      void Promise.resolve(part).then(part => {
        if (part && version === this.version) {
          this.body.append(part);
        }
      });
    }
  }

  /** What was shown is no longer so: the next time, all is written anew. */
  forget(): void {
    this.shown = undefined;
  }

  private facts(facts: [string, string | Node[] | Node][]): HTMLElement {
    const told = facts.filter(([, fact]) => (Array.isArray(fact) ? fact.length : fact));
    return h('div', { class: 'akid-graph-facts' }, ...told.flatMap(([name, fact]) => [h('span', {}, name), h('div', {}, ...(Array.isArray(fact) ? fact : [fact]))]));
  }

  private links(edges: IEdge[], end: 'source' | 'target', tree: Tree): Node[] {
    return edges.map(edge => {
      const shape = edge.shape ? ` ${told(edge.shape)}` : '';
      const line = h('div', {}, this.link(edge[end], tree.nodes.get(edge[end])?.name ?? edge[end]));
      line.append(shape, edge.output ? ` [${edge.output}]` : '', edge.delay ? ' one step ago' : '');
      return line;
    });
  }

  private link(id: string, name: string): HTMLElement {
    return h('button', { type: 'button', class: 'akid-link', click: () => this.choose(id) }, name);
  }
}

function parametersOf({ parameters, trainable }: INode): string {
  const frozen = parameters - trainable;
  return parameters ? `${count(parameters)}${frozen ? `, ${frozen === parameters ? 'all' : count(frozen)} of them frozen` : ''}` : '';
}
