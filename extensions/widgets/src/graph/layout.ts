// Where the nodes and edges of a graph lie: each open system is laid out on its own by dagre, and is then a node of the
// system around it. What is fed back runs along the side, so that all else flows one way.

import { Graph, layout as dagre } from '@dagrejs/dagre';
import { kindOf, size, told, type IEdge, type INode, type Tree } from './graph';

export type Direction = 'down' | 'right';
export type Point = [x: number, y: number];

/** A node on the plane: its upper left corner and its size. */
export interface IPlace {
  node: INode;
  x: number;
  y: number;
  width: number;
  height: number;
  /** Whether its inside is seen. */
  open: boolean;
}

/** All edges from one node to another of one kind, drawn as one line. */
export interface IPath {
  edges: IEdge[];
  points: Point[];
  label: Point;
  back: boolean;
}

export interface ILayout {
  width: number;
  height: number;
  places: IPlace[];
  paths: IPath[];
}

const HEAD = 26; // the line of an open system that bears its name
const PAD = 12;
const LANE = 18; // between what is fed back side by side
const LETTER = 6.3; // the width of one, at the size in which kinds and shapes are written

/** How large a node is drawn. */
export function sized(node: INode): { width: number; height: number } {
  if (node.role === 'input') {
    return { width: Math.max(52, node.name.length * 6.6 + 20), height: 24 };
  }
  const second = kindOf(node).length * LETTER + (node.parameters ? size(node).length * LETTER + 14 : 0);
  return { width: Math.min(240, Math.max(84, node.name.length * 7.4 + 26, second + 26)), height: 42 };
}

/** What stands at an edge. */
export function labelOf(edges: IEdge[]): string {
  const shapes = [...new Set(edges.filter(edge => edge.shape).map(edge => told(edge.shape)))];
  return [edges[0].delay ? 't-1' : '', shapes.join(', ')].filter(part => part).join(' · ');
}

/**
 * Lay out what is seen of a graph.
 *
 * @param open the systems whose inside is seen
 */
export function layout(tree: Tree, open: ReadonlySet<string>, direction: Direction): ILayout {
  return inside(tree, null, open, direction);
}

function inside(tree: Tree, parent: string | null, open: ReadonlySet<string>, direction: Direction): ILayout {
  const nodes = tree.of(parent);
  const within = new Map<string, ILayout>();
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: direction === 'down' ? 'TB' : 'LR', nodesep: 22, ranksep: direction === 'down' ? 15 : 22, edgesep: 14, ranker: nodes.length > 150 ? 'longest-path' : 'network-simplex' });
  for (const node of nodes) {
    if (open.has(node.id) && tree.of(node.id).length) {
      const inner = inside(tree, node.id, open, direction);
      within.set(node.id, inner);
      graph.setNode(node.id, { width: Math.max(inner.width + 2 * PAD, sized(node).width), height: inner.height + HEAD + PAD });
    } else {
      graph.setNode(node.id, sized(node));
    }
  }
  const bundles = bundled(tree.edges(parent));
  bundles.forEach((edges, at) => {
    if (!edges[0].delay) {
      graph.setEdge(edges[0].source, edges[0].target, { width: labelOf(edges).length * 5.6 + 8, height: 14, labelpos: 'c' }, String(at));
    }
  });
  dagre(graph);
  const places: IPlace[] = [];
  const paths: IPath[] = [];
  const boxes = new Map<string, IPlace>();
  for (const node of nodes) {
    const { x, y, width, height } = graph.node(node.id) as { x: number; y: number; width: number; height: number };
    const place = { node, x: x - width / 2, y: y - height / 2, width, height, open: within.has(node.id) };
    places.push(place);
    boxes.set(node.id, place);
    const inner = within.get(node.id);
    if (inner) {
      const [dx, dy] = [place.x + (width - inner.width) / 2, place.y + HEAD];
      places.push(...inner.places.map(one => ({ ...one, x: one.x + dx, y: one.y + dy })));
      paths.push(...inner.paths.map(one => moved(one, dx, dy)));
    }
  }
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  const whole = { width: Math.max(width, 1), height: Math.max(height, 1), places, paths };
  const back: IEdge[][] = [];
  bundles.forEach((edges, at) => {
    if (edges[0].delay) {
      back.push(edges);
      return;
    }
    const { points, x, y } = graph.edge(edges[0].source, edges[0].target, String(at)) as { points: { x: number; y: number }[]; x: number; y: number };
    paths.push({ edges, points: points.map(({ x, y }) => [x, y]), label: [x, y], back: false });
  });
  route(whole, back, boxes, direction);
  return whole;
}

/** The edges between two nodes together; those that feed back apart from the others. */
function bundled(edges: IEdge[]): IEdge[][] {
  const found = new Map<string, IEdge[]>();
  for (const edge of edges) {
    const key = `${edge.source}→${edge.target} ${edge.delay}`;
    found.set(key, [...(found.get(key) ?? []), edge]);
  }
  return [...found.values()];
}

type Box = { x: number; y: number; width: number; height: number };

const flipped = ({ x, y, width, height }: Box): Box => ({ x: y, y: x, width: height, height: width });

/** Lead what is fed back around on the right, or below: the shorter ones inside. */
function route(whole: ILayout, back: IEdge[][], places: Map<string, IPlace>, direction: Direction): void {
  const down = direction === 'down';
  const boxes = new Map([...places].map(([id, place]): [string, Box] => [id, down ? place : flipped(place)]));
  const ends = ([edge]: IEdge[]) => [boxes.get(edge.source)!, boxes.get(edge.target)!];
  const reach = (edges: IEdge[]) => Math.abs(ends(edges)[0].y - ends(edges)[1].y);
  const lanes: { spans: [from: number, to: number][]; paths: { edges: IEdge[]; out: Point[]; into: Point[] }[]; width: number }[] = [];
  for (const edges of [...back].sort((a, b) => reach(a) - reach(b))) {
    const [source, target] = ends(edges);
    const out = exit(source, [...boxes.values()], 1);
    const into = exit(target, [...boxes.values()], -1);
    const span: [number, number] = [Math.min(out.at(-1)![1], into.at(-1)![1]), Math.max(out.at(-1)![1], into.at(-1)![1])];
    let lane = lanes.find(({ spans }) => spans.every(([from, to]) => to < span[0] || span[1] < from));
    if (!lane) {
      lanes.push((lane = { spans: [], paths: [], width: LANE }));
    }
    lane.spans.push(span);
    lane.paths.push({ edges, out, into });
    lane.width = Math.max(lane.width, down ? labelOf(edges).length * 5.6 + 6 : 0);
  }
  const turned = ([x, y]: Point): Point => (down ? [x, y] : [y, x]);
  let from = down ? whole.width : whole.height;
  for (const { paths, width } of lanes) {
    const side = from + width / 2;
    for (const { edges, out, into } of paths) {
      const [leave, enter] = [out.at(-1)![1], into.at(-1)![1]];
      const points: Point[] = [...out, [side, leave], [side, enter], ...into.reverse()];
      whole.paths.push({ edges, points: points.map(turned), label: turned([side, (leave + enter) / 2]), back: true });
    }
    from += width;
  }
  if (down) {
    whole.width = from;
  } else {
    whole.height = from;
  }
}

/** From a box to where nothing lies between it and the side: straight out, else around its corner. */
function exit(box: Box, boxes: Box[], way: 1 | -1): Point[] {
  const right = box.x + box.width;
  const y = box.y + box.height * (0.5 + 0.22 * way);
  const beside = boxes.filter(other => other !== box && other.x + other.width > right);
  if (!beside.some(other => other.y < y && y < other.y + other.height)) {
    return [[right, y]];
  }
  const among = [box, ...beside.filter(other => other.y < box.y + box.height && box.y < other.y + other.height)];
  const gap = way === 1 ? Math.max(...among.map(other => other.y + other.height)) + 7 : Math.min(...among.map(other => other.y)) - 7;
  return [[right - 9, way === 1 ? box.y + box.height : box.y], [right - 9, gap]];
}

function moved(path: IPath, dx: number, dy: number): IPath {
  const by = ([x, y]: Point): Point => [x + dx, y + dy];
  return { ...path, points: path.points.map(by), label: by(path.label) };
}

/** A path as SVG draws it: straight where it is fed back, else round the bends. */
export function drawn({ points, back }: IPath): string {
  const at = ([x, y]: Point) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  if (back || points.length < 3) {
    return `M${points.map(at).join('L')}`;
  }
  let text = `M${at(points[0])}`;
  for (let i = 1; i < points.length - 1; i++) {
    const last = i === points.length - 2;
    const end = last ? points[i + 1] : ([(points[i][0] + points[i + 1][0]) / 2, (points[i][1] + points[i + 1][1]) / 2] as Point);
    text += `Q${at(points[i])} ${at(end)}`;
  }
  return text;
}

/** Where an arrow key leads from a node: along the flow or against it, else to the nearest beside it. */
export function step(plan: ILayout, tree: Tree, id: string, way: 'on' | 'back' | 'before' | 'after', direction: Direction): string | null {
  const seen = new Set(plan.places.map(place => place.node.id));
  const here = plan.places.find(place => place.node.id === id);
  if (!here) {
    return null;
  }
  if (way === 'on' || way === 'back') {
    return (way === 'on' ? ahead(plan, tree, here, seen) : behind(tree, here, seen)) ?? null;
  }
  const middle = (place: IPlace): Point => [place.x + place.width / 2, place.y + Math.min(place.height, 42) / 2];
  const [across, along] = direction === 'down' ? [0, 1] : [1, 0];
  const from = middle(here);
  let best: [distance: number, id: string] | null = null;
  for (const place of plan.places) {
    const to = middle(place);
    const beside = (to[across] - from[across]) * (way === 'after' ? 1 : -1);
    const distance = beside + 3 * Math.abs(to[along] - from[along]);
    if (place.node.parent === here.node.parent && beside > 1 && (!best || distance < best[0])) {
      best = [distance, place.node.id];
    }
  }
  return best?.[1] ?? null;
}

function ahead(plan: ILayout, tree: Tree, here: IPlace, seen: Set<string>): string | undefined {
  if (here.open) {
    return tree.of(here.node.id)[0]?.id;
  }
  for (let id: string | null = here.node.id; id !== null; id = tree.nodes.get(id)!.parent) {
    const next = tree.edges(tree.nodes.get(id)!.parent).find(edge => edge.source === id && !edge.delay && seen.has(edge.target));
    if (next) {
      return next.target;
    }
  }
  const order = plan.places.map(place => place.node.id); // an end, such as an input nobody reads
  return order[order.indexOf(here.node.id) + 1];
}

function behind(tree: Tree, here: IPlace, seen: Set<string>): string | undefined {
  const { id, parent } = here.node;
  const before = tree.edges(parent).find(edge => edge.target === id && !edge.delay && seen.has(edge.source));
  return before?.source ?? parent ?? undefined;
}
