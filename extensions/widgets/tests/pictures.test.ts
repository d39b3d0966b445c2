import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Drawing } from '../src/pictures/drawing';
import { Feed, type IPictures } from '../src/pictures/feed';
import { grid, sheetOf, where } from '../src/pictures/layouts';
import { colour, paint, scaleOf, veil } from '../src/pictures/paint';
import { drawnAs, numberOf, pictures, size, type IPicture, type ITold } from '../src/pictures/picture';

function told(shape: ITold['shape'], more: Partial<ITold> = {}): ITold {
  return { tag: 'filters/conv1', step: 5, shape, low: -1, high: 1, biases: false, total: shape[0], channels: shape[1], ...more };
}

function picture(shape: ITold['shape'], levels: number[], more: Partial<IPicture> = {}): IPicture {
  return { ...told(shape, more), values: null, ...more, levels: Uint8Array.from(levels) };
}

test('layouts count rows and columns as the kernel does', () => {
  assert.deepEqual(grid({ type: 'normal', num: 5 }, 32, 5, 5), [6, 6]);
  assert.deepEqual(grid({ type: 'normal', num: 100 }, 32, 5, 5), [1, 32]);
  assert.deepEqual(grid({ type: 'inverse', num: 5 }, 32, 5, 5), [5, 7]);
  assert.deepEqual(grid({ type: 'dynamic', num: 1 }, 32, 5, 6), [6, 6]);
  assert.deepEqual(grid({ type: 'dynamic', num: 1 }, 4, 1, 100), [4, 1]);
  assert.deepEqual(grid({ type: 'square', num: 1 }, 32, 5, 5), [6, 6]);
  assert.deepEqual(grid({ type: 'square', num: 1 }, 0, 5, 5), [0, 0]);
});

test('a strip is its channels side by side with its bias at the right end, and strips go down', () => {
  const sheet = sheetOf(told([3, 2, 1, 2], { biases: true }), { type: 'inverse', num: 2 });

  assert.deepEqual([sheet.rows, sheet.columns], [3, 15]);
  assert.deepEqual([...sheet.places.slice(0, 15)], [0, 1, -1, 2, 3, -1, -2, -1, 8, 9, -1, 10, 11, -1, -4]);
  assert.deepEqual([...sheet.places.slice(30, 45)], [4, 5, -1, 6, 7, -1, -3, -1, -1, -1, -1, -1, -1, -1, -1]);
});

test('every number is drawn once in every layout', () => {
  for (const type of ['normal', 'inverse', 'dynamic', 'square'] as const) {
    const sheet = sheetOf(told([7, 3, 1, 4]), { type, num: 3 });
    const drawn = [...sheet.places].filter(place => place >= 0).sort((a, b) => a - b);
    assert.deepEqual(drawn, Array.from({ length: 84 }, (_, i) => i), type);
  }
});

test('a long single row of weights is folded, and every number is drawn once and told by its place in the row', () => {
  const wide = told([3, 1, 1, 512], { biases: true });
  const sheet = sheetOf(wide, { type: 'normal', num: 1 });

  assert.deepEqual([drawnAs(wide), drawnAs(told([1, 1, 1, 64])), drawnAs(told([1, 1, 1, 101]))], [[16, 32], [1, 64], [10, 11]]);
  assert.deepEqual([sheet.rows, sheet.columns], [3 * 17 - 1, 34]);
  assert.deepEqual([...sheet.places].filter(place => place >= 0).sort((a, b) => a - b), Array.from({ length: 3 * 512 }, (_, i) => i));
  assert.equal(where(wide, sheet.places[18 * sheet.columns + 2]), 'filter 1, row 0, column 34');
  assert.equal(size(wide), '3 filters, 1×512 folded to 16×32');
  assert.deepEqual(drawnAs(told([1, 1, 1, 512], { tag: 'maps/system_in' })), [1, 512]);
});

test('numbers without a map are tiled without gaps', () => {
  const sheet = sheetOf(told([4, 1, 1, 1], { tag: 'maps/ip1' }), { type: 'normal', num: 1 });

  assert.deepEqual([...sheet.places], [0, 1, 2, 3]);
});

test('zero has the colour between blue and red, and what is not finite is clear', () => {
  const one = picture([1, 1, 1, 3], [0, 127, 255]);
  const pixels = paint(one, sheetOf(one, { type: 'normal', num: 1 }), scaleOf(one, false));

  assert.deepEqual([...pixels.slice(0, 4)], [5, 48, 97, 255]);
  assert.deepEqual([...pixels.slice(4, 8)], [247, 247, 247, 255]);
  assert.equal(pixels[11], 0);
});

test('three channels of a filter are one colour', () => {
  const one = picture([1, 3, 2, 2], [...Array<number>(4).fill(254), ...Array<number>(4).fill(127), ...Array<number>(4).fill(0)]);
  const sheet = sheetOf(one, { type: 'normal', num: 1 });

  assert.deepEqual([sheet.rows, sheet.columns, sheet.colour], [2, 2, true]);
  assert.deepEqual([...paint(one, sheet, scaleOf(one, false)).slice(0, 4)], [255, 128, 0, 255]);
});

test('what is never below zero begins there, with a robust top', () => {
  const many = picture([1, 1, 1, 1000], [254, ...Array<number>(999).fill(10)], { low: 0, high: 254 });

  assert.deepEqual([scaleOf(many, false).low, scaleOf(many, false).high], [0, 10]);
  assert.equal(scaleOf(picture([1, 1, 1, 2], [0, 254], { low: 0, high: 2 }), false).high, 2);
  assert.deepEqual(colour(['#000000', '#ffffff'], 2), [255, 255, 255]);
});

test('pictures are cut out of what comes end to end', () => {
  const levels = Uint8Array.from([1, 2, 3, 4, 5, 6]).buffer;
  const biases = Float32Array.from([0.5, 0.25]).buffer;
  const [one, two] = pictures([told([1, 1, 1, 2]), told([2, 1, 1, 2], { biases: true })], [levels, biases]);

  assert.deepEqual([[...one.levels], one.values], [[1, 2], null]);
  assert.deepEqual([[...two.levels], [...two.values!]], [[3, 4, 5, 6], [0.5, 0.25]]);
  assert.equal(numberOf(two, 254), 1);
  assert.ok(Number.isNaN(numberOf(two, 255)));
});

test('a veil is thick where an answer hangs on a pixel, and clear where it does not', () => {
  const pixels = veil(picture([1, 1, 1, 3], [0, 127, 254], { low: -2, high: 2 }));

  assert.deepEqual([...pixels], [40, 130, 255, 217, 255, 60, 40, 0, 255, 60, 40, 217]);
});

test('strokes add ink along their way, and an eraser takes it', () => {
  const drawing = new Drawing(8, 8);
  drawing.stroke([1.5, 4.5], [6.5, 4.5]);

  assert.deepEqual([...drawing.pixels.slice(33, 39)].map(ink => ink === 255), Array<boolean>(6).fill(true));
  assert.equal(drawing.pixels[0], 0);
  const before = drawing.pixels[36];
  drawing.stroke([4.5, 4.5], [4.5, 4.5], true);
  assert.ok(drawing.pixels[36] < before);
  drawing.clear();
  assert.ok(drawing.isEmpty);
});

test('sizes and places are said in words', () => {
  assert.equal(size(told([32, 1, 5, 5])), '32 filters, 5×5');
  assert.equal(size(told([64, 10, 5, 5], { total: 128, channels: 32 })), '64 of 128 filters, 10 of 32 × 5×5');
  assert.equal(size(told([10, 1, 1, 1], { tag: 'maps/ip1' })), '10 numbers');
  assert.equal(where(told([4, 2, 3, 3]), 9 * 3 + 5), 'filter 1, channel 1, row 1, column 2');
  assert.equal(where(told([4, 2, 3, 3], { biases: true }), -4), 'filter 2, its bias');
});

function answer(step: number, more = false): { content: IPictures; buffers: ArrayBuffer[] } {
  const content = { names: ['filters/conv1'], steps: [1, step], pictures: [{ ...told([1, 1, 1, 1]), step }], more };
  return { content, buffers: [Uint8Array.of(7).buffer, new ArrayBuffer(0)] };
}

test('the feed asks for what it lacks, and for nothing while nobody looks', async () => {
  const asked: object[] = [];
  const source = {
    state: '5 finished',
    isSeen: false,
    ask: (wanted: object) => {
      asked.push(wanted);
      return Promise.resolve(answer(5, asked.length === 1));
    }
  };
  const feed = new Feed(source, 'filters');
  feed.poke();
  await new Promise(resolve => setTimeout(resolve, 60));
  assert.equal(asked.length, 0);

  source.isSeen = true;
  feed.poke();
  await new Promise(resolve => setTimeout(resolve, 300));

  assert.deepEqual(asked, [
    { topic: 'filters', step: null, has: {} },
    { topic: 'filters', step: null, has: { 'filters/conv1': 5 } }
  ]);
  assert.equal(feed.known.get('filters/conv1')!.levels[0], 7);
  feed.want(1);
  await new Promise(resolve => setTimeout(resolve, 100));
  assert.deepEqual(asked[2], { topic: 'filters', step: 1, has: { 'filters/conv1': 5 } });
  feed.dispose();
});
