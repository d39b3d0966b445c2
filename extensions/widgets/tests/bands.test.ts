import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bands, NINE, type ITold } from '../src/bands/bands';
import { apart, stretches } from '../src/bands/paint';
import { looks, range, short, topics } from '../src/bands/said';
import { Scale, threshold, ticks } from '../src/bands/scale';
import { shade, SHADES } from '../src/bands/shade';

/** Observations at some steps; each is spread as `spread` says. */
function made(steps: number[], spread: (step: number, line: number) => number = (step, line) => step + line, capacity = 512): Bands {
  const bands = new Bands('weights/conv1', capacity);
  bands.take(told(steps.length), Float64Array.from(steps), rows(steps, spread), true);
  return bands;
}

function rows(steps: number[], spread: (step: number, line: number) => number): Float32Array {
  return Float32Array.from(steps.flatMap(step => Array.from({ length: NINE }, (_, line) => spread(step, line))));
}

function told(points: number, more: Partial<ITold> = {}): ITold {
  return { tag: 'weights/conv1', points, total: points, rewrites: 0, anew: false, elements: 800, ...more };
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

test('what is new goes behind what is known, and what is known comes once', () => {
  const bands = made([1, 2]);

  bands.take(told(2, { total: 3 }), Float64Array.of(2, 3), rows([2, 3], (step, line) => step + line), false);

  assert.deepEqual([...bands.steps.subarray(0, bands.length)], [1, 2, 3]);
  assert.deepEqual([...bands.nine(2)], [3, 4, 5, 6, 7, 8, 9, 10, 11]);
  assert.equal(bands.isThinned, false);
});

test('a run that went back is known anew', () => {
  const bands = made([1, 2, 3]);

  bands.take(told(1, { anew: true, rewrites: 1 }), Float64Array.of(1), rows([1], () => 0), false);

  assert.deepEqual([bands.length, bands.lastStep, bands.rewrites], [1, 1, 1]);
});

test('however long it is followed, it stays small and keeps the extremes', () => {
  const bands = made([], undefined, 128);
  const spread = (step: number, line: number) => (step === 777 ? 99 * (line - 4) : line - 4);

  for (const step of upTo(5000)) {
    bands.take(told(1, { total: step }), Float64Array.of(step), rows([step], spread), false);
  }

  const highest = Math.max(...upTo(bands.length).map(i => bands.nine(i - 1)[8]));
  assert.ok(bands.length <= 128 && bands.length > 32, `${bands.length}`);
  assert.deepEqual([bands.steps[0], bands.lastStep, highest], [1, 5000, 396]);
  const steps = [...bands.steps.subarray(0, bands.length)];
  assert.deepEqual(steps, [...steps].sort((a, b) => a - b));
});

test('what came thinned is fetched whole once it is half as long again', () => {
  const bands = made(upTo(100));

  bands.take(told(8, { total: 130 }), Float64Array.of(130), rows([130], () => 0), false);
  assert.equal(bands.isStale, false);
  bands.take(told(8, { total: 151 }), Float64Array.of(151), rows([151], () => 0), false);

  assert.equal(bands.isStale, true);
});

test('the look nearest to the cursor is found', () => {
  const bands = made([10, 20, 40]);

  assert.deepEqual([0, 14, 16, 29, 31, 99].map(step => bands.nearest(step)), [0, 0, 1, 1, 2, 2]);
  assert.equal(made([]).nearest(3), null);
});

test('a gap is left where one of the nine is not finite', () => {
  const bands = made(upTo(5), (step, line) => (step === 3 && line === 8 ? Infinity : line));

  assert.deepEqual(stretches(bands, 0, 5), [[0, 2], [3, 5]]);
});

/** How much of each pixel is covered, row by row, in hundredths. */
function covered(width: number, height: number, xs: number[], nines: number[][], parts: [number, number][]): number[][] {
  const image = { width, height, data: new Uint8ClampedArray(4 * width * height) };
  shade(image, xs, nines.flat(), parts, [31, 131, 209]);
  return Array.from({ length: height }, (_, row) => Array.from({ length: width }, (_, column) => Math.round((100 * image.data[4 * (row * width + column) + 3]) / 255)));
}

test('the strips have the shades of the other pictures, the inner ones the darker', () => {
  const nine = [9, 8, 7, 6, 5, 4, 3, 2, 1]; // from the bottom up

  const rows = covered(4, 10, [0, 3], [nine, nine], [[0, 2]]).map(row => row[1]);

  const shades = SHADES.map(shade => Math.round(100 * shade));
  assert.deepEqual(rows, [0, ...shades, ...[...shades].reverse(), 0]);
});

test('between two looks lines are straight, an edge covers a pixel in part, and a gap stays clear', () => {
  const at = (y: number) => [8, ...Array.from({ length: 8 }, () => y)];

  const sloped = covered(8, 8, [0, 4, 7], [at(0), at(4), at(2)], [[0, 2]]);
  const partly = covered(4, 8, [0, 3], [at(2.5), at(2.5)], [[0, 2]]);

  assert.deepEqual(sloped[0].map(Boolean), [true, false, false, false, false, false, false, false]);
  assert.deepEqual(sloped[3].map(Boolean), [true, true, true, true, false, false, false, false]);
  assert.deepEqual([sloped[7][6], sloped[7][7]], [0, 0]);
  assert.ok(partly[2][1] > 0 && partly[2][1] < partly[3][1]);
});

test('of many looks in one pixel the extremes are seen, and one alone is seen too', () => {
  const flat = Array.from({ length: 9 }, () => 6);
  const spike = [...flat.slice(0, 8), 1];

  const dense = covered(2, 8, [0.1, 0.2, 0.3, 0.4], [flat, spike, flat, flat], [[0, 4]]);
  const alone = covered(9, 8, [4], [[7, 6, 6, 6, 6, 6, 6, 6, 1]], [[0, 1]]);

  assert.ok(dense[2][0] > 0);
  assert.deepEqual(alone[3].map(Boolean), [false, false, true, true, true, true, false, false, false]);
});

test('values that spread over orders of magnitude get a log-like axis, others an even one', () => {
  const calm = made(upTo(50), (_step, line) => (line - 4) / 10);
  const wild = made(upTo(50), (step, line) => ((line - 4) * (line === 8 ? 10 : 1e-3)) / step);

  assert.deepEqual([threshold(calm, 'auto'), threshold(wild, 'linear')], [null, null]);
  assert.ok(threshold(wild, 'auto')! <= 1e-4);
  assert.equal(threshold(calm, 'log'), 0.1);
  assert.equal(threshold(made([1], () => 0), 'log'), null); // of zeros alone there is none
});

test('a log-like axis has zero in it and grows by orders both ways', () => {
  const scale = new Scale(-1, 100, 0.01);

  const places = [-1, -0.1, 0, 0.1, 1, 10, 100].map(value => scale.place(value));
  assert.deepEqual(places, [...places].sort((a, b) => a - b));
  assert.ok(places.every(place => place > 0 && place < 1));
  assert.ok(Math.abs(places[6] - places[5] - (places[5] - places[4])) < 0.02);
  assert.ok(scale.ticks(6).includes(0) && scale.ticks(6).length <= 8);
});

test('an axis that nearly reaches zero shows it, and one of a single value has room', () => {
  assert.equal(new Scale(1, 10).place(0), 0);
  assert.ok(new Scale(9, 10).place(0) < 0);
  assert.equal(new Scale(4, 4).place(4), 0.5);
  assert.equal(new Scale(0, 0).place(0), 0.5);
  assert.deepEqual(ticks(0, 0.93, 5), [0, 0.2, 0.4, 0.6, 0.8]);
});

test('however few ticks there is room for, two are drawn', () => {
  assert.deepEqual(ticks(0, 469, 2), [0, 200, 400]);
  assert.deepEqual(ticks(1, 469, 2), [200, 400]);
  for (let last = 2; last < 2000; last++) {
    const found = ticks(0, last, 2);
    assert.ok(found.length >= 2 && found.length <= 6, `${last}: ${found}`);
  }
});

test('a log-like axis has a tick near its end, however few there is room for', () => {
  assert.deepEqual(new Scale(0, 3.7, 0.01).ticks(2), [0, 1]);
  assert.deepEqual(new Scale(0, 3.7, 0.01).ticks(3), [0, 0.1, 1]);
});

test('what a ReLU lets through of a few lies on an even axis', () => {
  const nine = [0, 0, 0, 0, 0, 0, 0.02, 0.6, 3.7];

  assert.equal(threshold(made(upTo(50), (_step, line) => nine[line]), 'auto'), null);
});

test('the heading of a card has three digits', () => {
  assert.deepEqual([-0.31416, 0, 123.45, 12345, 1.234e-5, 1e-5, NaN, -Infinity].map(short), ['-0.314', '0', '123', '1.2e4', '1.2e-5', '1e-5', 'NaN', '−∞']);
  assert.equal(range(made([1]), 0, short), '1 … 5 … 9');
});

test('labels are moved apart, in their order and inside', () => {
  const ys = apart([100, 99, 98, 50, 20, 19, 18, 17, 10], 12, 10, 110);

  ys.slice(1).forEach((y, i) => assert.ok(ys[i] - y >= 12 - 1e-9, String(ys)));
  assert.ok(ys.at(-1)! >= 10 && ys[0] <= 110);
});

test('it is said how often it was looked at, and what of that is drawn', () => {
  assert.equal(looks(made([])), 'Not looked at yet');
  assert.equal(looks(made([5])), '800 numbers, looked at once');
  assert.equal(looks(made(upTo(20))), '800 numbers, looked at 20 times, at every step');
  const thinned = made([1, 500, 1000]);
  thinned.total = 100;
  assert.match(looks(thinned), /looked at 100 times, every 10 steps on average, 3 of them drawn/);
  assert.equal(range(made([1]), 0), '1.0000 … 5.0000 … 9.0000');
});

test('topics that tell most come first', () => {
  assert.deepEqual([...topics(['biases/a', 'weights/a', 'weights/b', 'activations/a'])], [['activations', 1], ['weights', 2], ['biases', 1]]);
});
