// By what the nodes of a graph are coloured: a class, or a number from the least to the greatest.

import { count, value } from '../format';
import { kindOf, type IGraph, type INode } from './graph';

export interface IColouring {
  /** What is chosen in the list. */
  name: string;
  /** The number of each node, where it has one; without numbers, the class is shown. */
  values?: ReadonlyMap<string, number>;
  /** How a number reads. */
  read?(number: number): string;
  /** Said where there are no numbers. */
  lacking?: string;
  /** Whether it spans powers of ten. */
  logarithmic?: boolean;
}

export interface ITint {
  colour: string;
  /** How much of the colour fills the node, 0 to 1. */
  share: number;
  says: string;
}

export interface ILegend {
  /** Classes with their colours; or the two ends of a scale. */
  classes: { name: string; colour: string }[];
  scale: { low: string; high: string } | null;
  lacking: string;
}

const COLOURS = 8; // that people tell apart

export const BY_KIND: IColouring = { name: 'kind' };

export function byParameters(graph: IGraph): IColouring {
  const values = new Map(graph.nodes.filter(node => node.parameters).map(node => [node.id, node.parameters]));
  return { name: 'parameters', values, read: count, logarithmic: true, lacking: 'No block has parameters yet.' };
}

/** The colour of each node, and what explains them. */
export function paint(graph: IGraph, colouring: IColouring): { tints: Map<string, ITint>; legend: ILegend } {
  return colouring.values ? scaled(graph, colouring, colouring.values) : classed(graph);
}

function classed(graph: IGraph): { tints: Map<string, ITint>; legend: ILegend } {
  const counted = new Map<string, number>();
  const named = (node: INode) => (node.role === 'system' ? '' : kindOf(node));
  graph.nodes.forEach(node => named(node) && counted.set(named(node), (counted.get(named(node)) ?? 0) + 1));
  const order = [...counted].sort((a, b) => b[1] - a[1]).map(([kind]) => kind);
  const kept = new Set(order.slice(0, COLOURS));
  const colours = new Map([...counted.keys()].filter(kind => kept.has(kind)).map((kind, at) => [kind, `var(--akid-line-${at})`]));
  const tints = new Map<string, ITint>();
  for (const node of graph.nodes) {
    const colour = colours.get(named(node));
    if (colour) {
      tints.set(node.id, { colour, share: 0.25, says: '' });
    }
  }
  const classes = [...colours].map(([name, colour]) => ({ name, colour }));
  return { tints, legend: { classes, scale: null, lacking: '' } };
}

function scaled(graph: IGraph, { read = value, logarithmic, lacking = '' }: IColouring, values: ReadonlyMap<string, number>): { tints: Map<string, ITint>; legend: ILegend } {
  const tints = new Map<string, ITint>();
  const inner = graph.nodes.filter(node => node.role !== 'system' && Number.isFinite(values.get(node.id)));
  const numbers = inner.map(node => values.get(node.id)!);
  const positive = numbers.filter(number => number > 0);
  const bent = logarithmic && positive.length > 0 && Math.max(...positive) > 20 * Math.min(...positive);
  const put = (number: number) => (bent ? Math.log(Math.max(number, Math.min(...positive))) : number);
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  for (const node of graph.nodes) {
    const number = values.get(node.id);
    if (number === undefined) {
      continue;
    }
    if (!Number.isFinite(number)) {
      tints.set(node.id, { colour: 'var(--akid-bad)', share: 1, says: read(number) });
      continue;
    }
    const span = put(high) - put(low);
    const share = span > 0 ? Math.min(1, Math.max(0, (put(number) - put(low)) / span)) : 0.5;
    tints.set(node.id, { colour: 'var(--akid-first)', share: node.role === 'system' ? 0 : share, says: read(number) });
  }
  const scale = numbers.length ? { low: read(low), high: read(high) } : null;
  return { tints, legend: { classes: [], scale, lacking: scale ? '' : lacking } };
}
