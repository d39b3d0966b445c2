// The graph of a brain as the kernel tells it (akidlab/messages/graph.py), and what can be read off it.

import { count, tick } from '../format';

export type Sizes = (number | null)[];
export type Role = 'input' | 'block' | 'system' | 'loss' | 'evaluation';

export interface INode {
  id: string;
  name: string;
  kind: string;
  role: Role;
  parent: string | null;
  parameters: number;
  trainable: number;
  /** One for each tensor that it emits; the batch is null. Null while it is not known. */
  shape: (Sizes | null)[] | null;
  doc: string;
  details: string;
  tied: string | null;
}

export interface IEdge {
  source: string;
  target: string;
  output: number;
  shape: Sizes | null;
  delay: number;
  part: number;
}

export interface IGraph {
  name: string;
  kind: string;
  nodes: INode[];
  edges: IEdge[];
}

/** A shape as people read it, without the batch: 32×14×14. */
export function told(shape: Sizes | null): string {
  if (shape === null) {
    return '?';
  }
  const sizes = shape[0] === null ? shape.slice(1) : shape;
  return sizes.length ? sizes.map(size => size ?? '?').join('×') : shape.length ? 'N' : 'scalar';
}

/** All that a node emits. */
export function emits(node: INode): string {
  return node.shape === null ? 'not known yet' : node.shape.map(told).join(', ');
}

/** The class in few letters: a layer says Convolution. */
export function kindOf(node: INode): string {
  return node.role === 'input' && node.name === 'system_in' ? '' : node.kind.replace(/(.)Layer$/, '$1');
}

/** So many parameters: 832, 9216, 51.3k; empty for none. */
export function size(node: INode): string {
  return node.parameters ? tick(node.parameters < 1e4 ? node.parameters : +node.parameters.toPrecision(3)) : '';
}

/** All about a node in one sentence, for those who do not see it. */
export function sentenceOf(graph: IGraph, node: INode): string {
  const reads = graph.edges.filter(edge => edge.target === node.id).map(edge => edge.source.split('.').at(-1) + (edge.delay ? ' one step ago' : ''));
  return [
    node.name,
    node.kind,
    node.role === 'block' || node.role === 'input' ? '' : node.role,
    node.parameters ? `${count(node.parameters)} parameters` : '',
    node.shape ? `emits ${emits(node)}` : '',
    reads.length ? `reads ${reads.join(', ')}` : ''
  ].filter(part => part).join(', ');
}

/** The nodes by their parents, and by their ids. */
export class Tree {
  readonly nodes = new Map<string, INode>();
  private readonly inner = new Map<string | null, INode[]>();
  private readonly wires = new Map<string | null, IEdge[]>();

  constructor(readonly graph: IGraph) {
    for (const node of graph.nodes) {
      this.nodes.set(node.id, node);
      push(this.inner, node.parent, node);
    }
    for (const edge of graph.edges) {
      push(this.wires, this.nodes.get(edge.target)?.parent ?? null, edge);
    }
  }

  of(parent: string | null): INode[] {
    return this.inner.get(parent) ?? [];
  }

  edges(parent: string | null): IEdge[] {
    return this.wires.get(parent) ?? [];
  }

  /** The systems around a node, the innermost first. */
  around(id: string): string[] {
    const found: string[] = [];
    for (let at = this.nodes.get(id)?.parent ?? null; at !== null; at = this.nodes.get(at)?.parent ?? null) {
      found.push(at);
    }
    return found;
  }

  get systems(): INode[] {
    return this.graph.nodes.filter(node => node.role === 'system' && this.inner.has(node.id));
  }

  /** Which systems are open from the start: all, the outermost first, while no more than so many nodes are seen. */
  open(most: number): Set<string> {
    const open = new Set<string>();
    let seen = this.of(null).length;
    for (const system of this.systems.sort((a, b) => this.around(a.id).length - this.around(b.id).length)) {
      seen += this.of(system.id).length;
      if (seen > most) {
        break;
      }
      if (system.parent === null || open.has(system.parent)) {
        open.add(system.id);
      }
    }
    return open;
  }

  /** The ids of those whose name, kind or path has these words. */
  find(words: string): string[] {
    const wanted = words.trim().toLowerCase();
    return wanted ? this.graph.nodes.filter(node => `${node.id} ${node.kind}`.toLowerCase().includes(wanted)).map(node => node.id) : [];
  }
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) {
    list.push(value);
  } else {
    map.set(key, [value]);
  }
}
