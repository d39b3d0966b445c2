import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choose, colours, GREY, group, shorten, split } from '../src/groups';

const LAYERS = Array.from({ length: 12 }, (_, i) => `features/conv${i}`);

test('the first slash parts a tag into its topic and its key', () => {
  assert.deepEqual(split('weights_norm2/features/conv1'), ['weights_norm2', 'features/conv1']);
  assert.deepEqual([split('loss'), split('/odd')], [null, null]);
});

test('the lines of a topic come together in their order', () => {
  const groups = group(['loss', 'norm/b', 'norm/a', 'ratio/a']);

  assert.deepEqual([...groups], [['norm', ['b', 'a']], ['ratio', ['a']]]);
});

test('a filter takes words, stars and whole names', () => {
  const keys = ['conv1', 'conv10', 'features/ip1', 'features/ip2'];

  assert.deepEqual(choose(keys, ''), keys);
  assert.deepEqual(choose(keys, 'conv1'), ['conv1']); // a key is itself, not all that begin like it
  assert.deepEqual(choose(keys, 'Conv'), ['conv1', 'conv10']);
  assert.deepEqual(choose(keys, 'conv10, ip2'), ['conv10', 'features/ip2']);
  assert.deepEqual(choose(keys, 'f*1'), ['features/ip1']);
  assert.deepEqual(choose(keys, '(['), []);
  assert.deepEqual(choose(['relu1'], 'conv1', keys), []);
});

test('a key has its colour in every chart', () => {
  const all = colours(LAYERS, LAYERS);
  const some = colours(LAYERS.slice(2, 5), LAYERS);

  assert.deepEqual([...all.values()], [0, 1, 2, 3, 4, 5, 6, 7, GREY, GREY, GREY, GREY]);
  assert.deepEqual([...some.values()], [2, 3, 4]);
});

test('a grey key takes a colour that is free, and leaves the others theirs', () => {
  const shown = colours([LAYERS[1], LAYERS[10], LAYERS[11]], LAYERS);

  assert.deepEqual([...shown.values()], [1, 0, 2]);
});

test('keys are told apart without the folders that all lie in', () => {
  assert.deepEqual([...shorten(['net/a/w', 'net/b']).values()], ['a/w', 'b']);
  assert.deepEqual([...shorten(['net/a']).values()], ['net/a']);
  assert.deepEqual([...shorten(['a/b', 'a/b/c']).values()], ['b', 'b/c']);
});
