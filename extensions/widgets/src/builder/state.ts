// What the kernel tells of a brain that is being built (akidlab/widgets/builder.py), and what can be read off it.

import type { IGraph } from '../graph/graph';

export interface IState {
  graph: IGraph;
  /** What is wrong, by the path of the block; an empty path is the whole. */
  errors: { [id: string]: string };
  said: string;
  code: string;
  /** Why there is no code. */
  silent: string;
  undo: boolean;
  redo: boolean;
  /** Of one sample of each value that goes in. */
  shapes: number[][] | null;
  /** Whether it was set up: what goes in can no longer be chosen. */
  settled: boolean;
}

export interface IKind {
  name: string;
  section: string;
  doc: string;
  also: string[];
}

export interface IOption {
  name: string;
  type: string;
  default: string;
  required: boolean;
  choices: string[];
  help: string;
  common: boolean;
  text: string;
  error: string;
}

/** The kinds that all words are found in, those named so first; in the order in which they were told otherwise. */
export function matching(kinds: IKind[], words: string): IKind[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(word => word);
  const named = ({ name, also }: IKind) => [name, ...also].join(' ').toLowerCase();
  const fits = kinds.filter(kind => wanted.every(word => `${named(kind)} ${kind.section} ${kind.doc.toLowerCase()}`.includes(word)));
  const rank = (kind: IKind) => {
    const names = [kind.name, ...kind.also].map(name => name.toLowerCase());
    const [first] = wanted;
    return names.includes(first) ? 0 : names.some(name => name.startsWith(first)) ? 1 : named(kind).includes(first) ? 2 : 3;
  };
  return wanted.length ? fits.map((kind, at) => ({ kind, at, rank: rank(kind) })).sort((a, b) => a.rank - b.rank || a.at - b.at).map(({ kind }) => kind) : fits;
}

/** A name in the parts between which it may be broken. */
export function humps(name: string): string[] {
  return name.split(/(?<=[a-z])(?=[A-Z])/);
}

/** Shapes as one types them, such as `1×28×28, label`; null where that makes no sense. */
export function shapesOf(text: string): number[][] | null {
  const parts = text.split(/[,;]/).map(part => part.trim().toLowerCase());
  const shapes = parts.map(part => {
    if (/^(labels?|n|\(\))$/.test(part)) {
      return [];
    }
    return /^[1-9]\d*(\s*[×x*\s]\s*[1-9]\d*)*$/.test(part) ? part.split(/[^\d]+/).map(Number) : null;
  });
  return shapes.every(shape => shape !== null) ? (shapes as number[][]) : null;
}

export function shapesTold(shapes: number[][] | null): string {
  return (shapes ?? []).map(shape => shape.join('×') || 'label').join(', ');
}

/** How a brain stands in which nothing is wrong. */
export function stands({ graph, said }: IState): string {
  if (graph.nodes.every(node => node.role === 'input')) {
    return 'No block is here yet: take one from the palette.';
  }
  return said === 'opened' ? 'It fits.' : `It fits: ${said}.`;
}

/** What is there now and was not before. */
export function newcomers(before: IGraph | null, now: IGraph): string[] {
  const known = new Set(before?.nodes.map(node => node.id));
  return now.nodes.filter(node => node.role !== 'input' && !known.has(node.id)).map(node => node.id);
}
