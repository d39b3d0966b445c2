import assert from 'node:assert/strict';
import { test } from 'node:test';
import { humps, matching, newcomers, shapesOf, shapesTold, stands, type IKind, type IState } from '../src/builder/state';
import type { IGraph, INode } from '../src/graph/graph';

function kind(name: string, more: Partial<IKind> = {}): IKind {
  return { name, section: 'other layers', doc: '', also: [], ...more };
}

const KINDS = [
  kind('SelfNormalizedConvolutionLayer', { also: ['SNConv2D'] }),
  kind('ConvolutionLayer', { also: ['Conv2D'], section: 'layers with weights', doc: 'A convolution over images.' }),
  kind('PoolingLayer', { doc: 'The largest of each window.' }),
  kind('SoftmaxWithLossLayer', { section: 'losses' })
];

test('kinds are found by their names, by other names and by what they do', () => {
  const found = (words: string) => matching(KINDS, words).map(({ name }) => name);

  assert.deepEqual(found('conv2d'), ['ConvolutionLayer', 'SelfNormalizedConvolutionLayer']);
  assert.deepEqual(found('convolution'), ['ConvolutionLayer', 'SelfNormalizedConvolutionLayer']);
  assert.deepEqual(found('largest window'), ['PoolingLayer']);
  assert.deepEqual(found('losses'), ['SoftmaxWithLossLayer']);
  assert.deepEqual(found('nothing of the kind'), []);
  assert.deepEqual(matching(KINDS, ' '), KINDS);
});

test('a name is broken where a word of it begins', () => {
  assert.deepEqual(humps('SelfNormalizedConvolution'), ['Self', 'Normalized', 'Convolution']);
  assert.deepEqual(humps('BCELoss'), ['BCELoss']);
});

test('a brain without blocks is not said to fit', () => {
  const told = (nodes: { role: string }[], said: string) => stands({ graph: { nodes }, said } as unknown as IState);

  assert.equal(told([{ role: 'input' }], 'opened'), 'No block is here yet: take one from the palette.');
  assert.equal(told([{ role: 'block' }], 'opened'), 'It fits.');
  assert.equal(told([{ role: 'block' }], 'added `ip1`'), 'It fits: added `ip1`.');
});

test('shapes are read as people write them', () => {
  assert.deepEqual(shapesOf('1×28×28, label'), [[1, 28, 28], []]);
  assert.deepEqual(shapesOf('3x32x32; labels'), [[3, 32, 32], []]);
  assert.deepEqual(shapesOf('1 * 8 * 8'), [[1, 8, 8]]);
  assert.deepEqual(shapesOf('4'), [[4]]);
  for (const wrong of ['', 'x', '1×', '0×3', '1×28×28,', '-1']) {
    assert.equal(shapesOf(wrong), null, wrong);
  }
});

test('shapes are told as they are read', () => {
  assert.equal(shapesTold([[1, 28, 28], []]), '1×28×28, label');
  assert.equal(shapesTold(null), '');
  assert.deepEqual(shapesOf(shapesTold([[1, 28, 28], []])), [[1, 28, 28], []]);
});

test('what is new in a graph is told in its order', () => {
  const node = (id: string, role: INode['role'] = 'block') => ({ id, role }) as INode;
  const graph = (...nodes: INode[]): IGraph => ({ name: '', kind: '', nodes, edges: [] });

  assert.deepEqual(newcomers(graph(node('a')), graph(node('system_in', 'input'), node('a'), node('b'), node('c'))), ['b', 'c']);
  assert.deepEqual(newcomers(null, graph(node('a'))), ['a']);
});
