import assert from 'node:assert/strict';
import { test } from 'node:test';
import { align, gather, nearest, Series, smooth, thin } from '../src/series';

test('a series takes only what is newer', () => {
  const series = new Series();
  series.extend([1, 2], [0.5, 0.4]);
  series.extend([2, 3], [9, 0.3]);

  assert.deepEqual(series.steps, [1, 2, 3]);
  assert.deepEqual(series.values, [0.5, 0.4, 0.3]);
});

test('a history goes before what was heard since', () => {
  const series = new Series();
  series.extend([7, 8], [0.7, 0.8]);
  series.rebase([1, 4, 7], [0.1, 0.4, 0.71]);

  assert.deepEqual(series.steps, [1, 4, 7, 8]);
  assert.deepEqual(series.values, [0.1, 0.4, 0.71, 0.8]);
});

test('a long series stays thin and keeps its ends and its peaks', () => {
  const series = new Series();
  for (let step = 1; step <= 100_000; step++) {
    series.extend([step], [step === 5_000 ? 99 : 0]);
  }

  assert.ok(series.length <= 8192);
  assert.equal(series.steps[0], 1);
  assert.equal(series.lastStep, 100_000);
  assert.equal(Math.max(...series.values), 99);
});

test('thinning keeps the order of the steps', () => {
  const steps = Array.from({ length: 1000 }, (_, i) => i);
  const [kept] = thin(steps, steps.map(Math.sin), 100);

  assert.ok(kept.length <= 100);
  assert.deepEqual(kept, [...kept].sort((a, b) => a - b));
});

test('smoothing begins at the first value and passes over what is no number', () => {
  assert.deepEqual(smooth([4, 4, NaN, 4], 0.9), [4, 4, NaN, 4]);
  assert.deepEqual(smooth([1, 5], 0), [1, 5]);
  const [first, second] = smooth([1, 3], 0.5);
  assert.equal(first, 1);
  assert.ok(Math.abs(second - 7 / 3) < 1e-12);
});

test('series of different steps share their rows', () => {
  const [steps, columns] = align([
    { steps: [1, 2, 3], values: [0.1, NaN, 0.3] },
    { steps: [2], values: [5] }
  ]);

  assert.deepEqual(steps, [1, 2, 3]);
  assert.deepEqual(columns, [
    [0.1, null, 0.3],
    [null, 5, null]
  ]);
});

test('the nearest value is found on both sides', () => {
  assert.equal(nearest([null, 1, null, null], 3), 1);
  assert.equal(nearest([null, null], 0), null);
});

test('long series are gathered in rows of their own width, and keep their peaks', () => {
  const steps = Array.from({ length: 10_000 }, (_, i) => i);
  const one = { steps, values: steps.map(step => (step === 5_001 ? 9 : step === 5_002 ? -9 : 0)) };
  const few = { steps: [0, 9_999], values: [1, NaN] };
  const [rows, columns] = gather([one, few], 0, 10_000, 100);

  assert.equal(rows.length, 200);
  assert.deepEqual(rows, [...rows].sort((a, b) => a - b));
  assert.deepEqual(columns[0].slice(98, 104), [0, 0, 9, -9, 0, 0]);
  assert.deepEqual([columns[1][0], columns[1][1], columns[1][2], columns[1][199]], [1, 1, null, null]);
});

test('what is outside of the zoom is not gathered', () => {
  const all = [{ steps: [1, 5, 9], values: [10, 50, 90] }];

  assert.deepEqual(gather(all, 4, 6, 1)[1], [[50, 50]]);
  assert.deepEqual(gather(all, 20, 30, 2)[1], [[null, null, null, null]]);
});

test('many points are aligned in their order, without any twice', () => {
  const far = Array.from({ length: 20_000 }, (_, i) => 2 * i);
  const [steps, [first, second]] = align([{ steps: far, values: far }, { steps: [3, 4], values: [0.3, NaN] }]);

  assert.equal(steps.length, 20_001);
  assert.deepEqual(steps.slice(0, 4), [0, 2, 3, 4]);
  assert.deepEqual(first.slice(0, 4), [0, 2, null, 4]);
  assert.deepEqual(second.slice(0, 4), [null, null, 0.3, null]);
});
