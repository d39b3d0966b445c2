import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BY_KIND, byParameters, paint } from '../src/graph/colours';
import { emits, kindOf, sentenceOf, size, told, Tree, type IEdge, type IGraph, type INode } from '../src/graph/graph';
import { drawn, labelOf, layout, step, type ILayout, type IPlace } from '../src/graph/layout';

function node(id: string, more: Partial<INode> = {}): INode {
  const [name, ...around] = id.split('.').reverse();
  const parent = around.reverse().join('.') || null;
  return { id, name, kind: 'ReLULayer', role: name === 'system_in' ? 'input' : 'block', parent, parameters: 0, trainable: 0, shape: [[null, 3]], doc: '', details: '', tied: null, ...more };
}

function edge(source: string, target: string, more: Partial<IEdge> = {}): IEdge {
  return { source, target, output: 0, shape: [null, 3], delay: 0, part: 0, ...more };
}

/** a → unit(b → c) → d, and d one step ago to a. */
const NESTED: IGraph = {
  name: 'brain',
  kind: 'Brain',
  nodes: [node('system_in'), node('a'), node('unit', { role: 'system' }), node('unit.system_in'), node('unit.b'), node('unit.c'), node('d')],
  edges: [edge('system_in', 'a'), edge('d', 'a', { delay: 1, part: 1 }), edge('a', 'unit'), edge('unit.system_in', 'unit.b'), edge('unit.b', 'unit.c'), edge('unit', 'd')]
};

function at(plan: ILayout, id: string): IPlace {
  return plan.places.find(place => place.node.id === id)!;
}

function random(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

/** A graph of so many blocks in systems of ten, each reading one or two of those before it. */
function drawnAtRandom(seed: number, blocks: number): IGraph {
  const next = random(seed);
  const graph: IGraph = { name: 'random', kind: 'Brain', nodes: [node('system_in')], edges: [] };
  let before = ['system_in'];
  for (let i = 0; i < blocks; i++) {
    const id = `b${i}`;
    graph.nodes.push(node(id));
    const reads = [...new Set([before.at(-1)!, before[Math.floor(next() * before.length)]])];
    reads.forEach((source, part) => graph.edges.push(edge(source, id, { part })));
    before = [...before.slice(-9), id];
  }
  return graph;
}

test('shapes and numbers read as people write them', () => {
  assert.deepEqual([told([null, 32, 14, 14]), told([null]), told([]), told(null), told([3, 3])], ['32×14×14', 'N', 'scalar', '?', '3×3']);
  assert.equal(emits(node('twice', { shape: [[null, 3], null] })), '3, ?');
  assert.equal(kindOf(node('conv', { kind: 'ConvolutionLayer' })), 'Convolution');
  assert.deepEqual([1_606_144, 9216, 51_264, 0].map(parameters => size(node('ip', { parameters }))), ['1.61M', '9216', '51.3k', '']);
});

test('a folded system is one node and an open one holds its blocks', () => {
  const tree = new Tree(NESTED);

  const folded = layout(tree, new Set(), 'down');
  const open = layout(tree, new Set(['unit']), 'down');

  assert.deepEqual(folded.places.map(place => place.node.id), ['system_in', 'a', 'unit', 'd']);
  const [unit, b] = [at(open, 'unit'), at(open, 'unit.b')];
  assert.ok(unit.open && unit.x < b.x && b.x + b.width < unit.x + unit.width && unit.y < b.y && b.y + b.height < unit.y + unit.height);
});

for (const direction of ['down', 'right'] as const) {
  test(`all but feedback flows ${direction}`, () => {
    for (let seed = 1; seed < 12; seed++) {
      const graph = drawnAtRandom(seed, 30);
      const plan = layout(new Tree(graph), new Set(), direction);
      for (const { source, target } of graph.edges) {
        const [from, to] = [at(plan, source), at(plan, target)];
        assert.ok(direction === 'down' ? from.y + from.height < to.y : from.x + from.width < to.x);
      }
    }
  });

  test(`no node of a graph laid out ${direction} covers another`, () => {
    for (let seed = 1; seed < 12; seed++) {
      const { places, width, height } = layout(new Tree(drawnAtRandom(seed, 30)), new Set(), direction);
      for (const [i, one] of places.entries()) {
        assert.ok(one.x >= -0.01 && one.y >= -0.01 && one.x + one.width <= width + 0.01 && one.y + one.height <= height + 0.01);
        for (const other of places.slice(i + 1)) {
          assert.ok(one.x + one.width <= other.x || other.x + other.width <= one.x || one.y + one.height <= other.y || other.y + other.height <= one.y);
        }
      }
    }
  });
}

test('what is fed back runs beside all nodes and ends at its reader', () => {
  const plan = layout(new Tree(NESTED), new Set(['unit']), 'down');

  const back = plan.paths.find(path => path.back)!;
  const side = Math.max(...back.points.map(([x]) => x));
  assert.ok(plan.places.every(place => place.x + place.width < side) && side < plan.width);
  const a = at(plan, 'a');
  assert.equal(back.points.at(-1)![0], a.x + a.width);
  assert.equal(labelOf(back.edges), 't-1 · 3');
  assert.equal(plan.paths.filter(path => path.back).length, 1);
});

test('a block that feeds itself has a loop of its own, and two feedbacks two lanes', () => {
  const graph = { ...NESTED, edges: [...NESTED.edges, edge('a', 'a', { delay: 1 }), edge('unit', 'a', { delay: 1 })] };

  const backs = layout(new Tree(graph), new Set(), 'down').paths.filter(path => path.back);

  const sides = backs.map(path => Math.max(...path.points.map(([x]) => x)));
  assert.equal(new Set(sides).size, 3);
  const loop = backs.find(path => path.edges[0].source === path.edges[0].target)!;
  assert.notEqual(loop.points[0][1], loop.points.at(-1)![1]);
});

test('several tensors between two blocks are one line', () => {
  const graph = { ...NESTED, edges: [...NESTED.edges, edge('a', 'unit', { output: 1, part: 1, shape: [null, 5] })] };

  const paths = layout(new Tree(graph), new Set(), 'down').paths.filter(path => path.edges[0].target === 'unit');

  assert.deepEqual(paths.map(path => labelOf(path.edges)), ['3, 5']);
});

test('arrow keys go along the edges, into open systems and out again', () => {
  const tree = new Tree(NESTED);
  const plan = layout(tree, new Set(['unit']), 'down');
  const walk = (way: 'on' | 'back', from: string, most = 20) => {
    const seen = [from];
    for (let id: string | null = from; id !== null && seen.length < most; ) {
      id = step(plan, tree, id, way, 'down');
      if (id !== null) {
        seen.push(id);
      }
    }
    return seen;
  };

  assert.deepEqual(walk('on', 'system_in'), ['system_in', 'a', 'unit', 'unit.system_in', 'unit.b', 'unit.c', 'd']);
  assert.deepEqual(walk('back', 'unit.c'), ['unit.c', 'unit.b', 'unit.system_in', 'unit', 'a', 'system_in']);
  assert.equal(step(plan, tree, 'gone', 'on', 'down'), null);
});

test('arrow keys go to the neighbour beside', () => {
  const graph = { ...NESTED, nodes: [node('a'), node('b'), node('c'), node('d')], edges: [edge('a', 'b'), edge('a', 'c'), edge('a', 'd')] };
  const tree = new Tree(graph);
  const plan = layout(tree, new Set(), 'down');
  const order = ['b', 'c', 'd'].sort((one, other) => at(plan, one).x - at(plan, other).x);

  assert.equal(step(plan, tree, order[0], 'after', 'down'), order[1]);
  assert.equal(step(plan, tree, order[2], 'before', 'down'), order[1]);
  assert.equal(step(plan, tree, order[0], 'before', 'down'), null);
});

test('systems are open from the start while there is room', () => {
  const tree = new Tree(NESTED);

  assert.deepEqual([[...tree.open(60)], [...tree.open(5)]], [['unit'], []]);
  assert.deepEqual(tree.find('UNIT.B'), ['unit.b']);
  assert.deepEqual([tree.find('relu').length, tree.find(' ')], [7, []]);
  assert.deepEqual(tree.around('unit.b'), ['unit']);
});

test('five hundred blocks are laid out in time', () => {
  const began = performance.now();

  const plan = layout(new Tree(drawnAtRandom(3, 500)), new Set(), 'down');

  assert.equal(plan.places.length, 501);
  assert.ok(performance.now() - began < 5000); // about a second
});

test('a line is drawn through all of its points', () => {
  const path = { edges: [], label: [0, 0] as [number, number], back: false, points: [[0, 0], [0, 10], [5, 20]] as [number, number][] };

  assert.equal(drawn(path), 'M0.0 0.0Q0.0 10.0 5.0 20.0');
  assert.equal(drawn({ ...path, back: true }), 'M0.0 0.0L0.0 10.0L5.0 20.0');
});

test('each class has its colour, and those beyond the eighth none', () => {
  const graph = { ...NESTED, nodes: Array.from({ length: 10 }, (_, i) => [node(`a${i}`, { kind: `Kind${i}Layer` }), node(`b${i}`, { kind: `Kind${i}Layer` })]).flat() };

  const { tints, legend } = paint(graph, BY_KIND);

  assert.equal(legend.classes.length, 8);
  assert.equal(new Set(legend.classes.map(({ colour }) => colour)).size, 8);
  assert.equal(tints.get('a3')!.colour, tints.get('b3')!.colour);
  assert.equal(tints.size, 16);
});

test('numbers over several powers of ten are coloured by their order, what is not finite stands out', () => {
  const graph = { ...NESTED, nodes: ['a', 'b', 'c', 'd'].map(id => node(id)) };
  const values = new Map([['a', 1], ['b', 100], ['c', 10_000], ['d', NaN]]);

  const { tints, legend } = paint(graph, { name: 'norm', values, logarithmic: true });

  assert.deepEqual(['a', 'b', 'c'].map(id => tints.get(id)!.share), [0, 0.5, 1]);
  assert.equal(tints.get('d')!.colour, 'var(--akid-bad)');
  assert.deepEqual(legend.scale, { low: '1.0000', high: '10,000' });
});

test('numbers that are near each other are coloured evenly, and none are said to be lacking', () => {
  const graph = { ...NESTED, nodes: ['a', 'b', 'c'].map(id => node(id)) };

  const { tints } = paint(graph, { name: 'sparsity', values: new Map([['a', 0], ['b', 0.25], ['c', 1]]), logarithmic: true });
  const none = paint(graph, { name: 'sparsity', values: new Map(), lacking: 'Nothing yet.' });

  assert.deepEqual([...tints.values()].map(({ share }) => share), [0, 0.25, 1]);
  assert.equal(none.legend.lacking, 'Nothing yet.');
  assert.deepEqual(byParameters({ ...NESTED, nodes: [node('a', { parameters: 9216 })] }).read!(9216), '9,216');
});

test('who does not see a node is told all about it', () => {
  assert.equal(sentenceOf(NESTED, NESTED.nodes[1]), 'a, ReLULayer, emits 3, reads system_in, d one step ago');
  assert.equal(sentenceOf(NESTED, node('loss', { role: 'loss', shape: [[]], parameters: 1234 })), 'loss, ReLULayer, loss, 1,234 parameters, emits scalar');
});
