import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Times } from '../src/times';

function known(): Times {
  const times = new Times();
  times.take([10, 20, 40], [1, 3, 4]);
  return times;
}

test('between two steps whose times are known lies a straight line, from the begin on', () => {
  assert.deepEqual(known().map([0, 5, 10, 15, 20, 30, 40]), [0, 0.5, 1, 2, 3, 3.5, 4]);
});

test('beyond the last time the pace stays', () => {
  assert.equal(known().at(60), 5);
  assert.deepEqual(known().map([60, 80]), [5, 6]);
});

test('a time is found back', () => {
  assert.equal(known().step(2), 15);
  assert.equal(known().step(3.5), 30);
  assert.equal(known().step(99), 40);
});

test('what is not newer is known already', () => {
  const times = known();
  times.take([20, 50], [99, 6]);

  assert.equal(times.at(20), 3);
  assert.equal(times.at(50), 6);
});

test('a clock that was set back does not turn the curves back', () => {
  const times = known();
  times.take([50], [2]);

  assert.equal(times.at(50), 4);
});

test('nothing is known of an empty one', () => {
  const times = new Times();

  assert.deepEqual([times.isEmpty, times.at(5), times.map([1, 2])], [true, 0, [0, 0]]);
});
