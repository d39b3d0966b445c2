import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sight } from '../src/graph/sight';

function look(width: number, height: number): Sight {
  const sight = new Sight(() => undefined);
  sight.hold({ width, height });
  return sight;
}

function at({ x, y, k }: Sight): number[] {
  return [x, y, k];
}

test('a graph that was hidden for a while lies where it was', () => {
  const sight = look(976, 476);
  sight.measure(1000, 500);
  const before = at(sight);

  for (let visit = 0; visit < 2; visit++) {
    sight.measure(0, 0);
    sight.measure(1000, 500);
  }
  assert.deepEqual(at(sight), before);

  sight.measure(0, 0);
  sight.measure(800, 500); // a window that was made narrower meanwhile
  assert.deepEqual(at(sight), [before[0] - 100, before[1], before[2]]);
});

test('a graph that was hidden from the start is fitted when it is first seen', () => {
  const [hidden, seen] = [look(976, 476), look(976, 476)];
  hidden.measure(0, 0);
  hidden.refit();
  hidden.measure(1000, 500);
  seen.measure(1000, 500);

  assert.deepEqual(at(hidden), at(seen));
  assert.deepEqual(at(seen), [12, 12, 1]);
});

test('a tall graph begins at its top and can be read, and all of it is one more fit away', () => {
  const sight = look(200, 1000);
  sight.measure(1200, 524);
  assert.deepEqual(at(sight), [525, 12, 0.75]);

  sight.refit();
  assert.deepEqual(at(sight), [550, 12, 0.5]);
  sight.refit();
  assert.deepEqual(at(sight), [525, 12, 0.75]);
  sight.show(0, 900, 200, 50);
  sight.refit();
  assert.deepEqual(at(sight), [525, 12, 0.75]);
});

test('a small graph is seen whole however often it is fitted', () => {
  const sight = look(100, 100);
  sight.measure(400, 400);
  const before = at(sight);
  sight.refit();

  assert.deepEqual(at(sight), before);
});
