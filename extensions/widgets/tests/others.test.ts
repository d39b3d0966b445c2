import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ISaid } from '../src/line';
import { MOST, Others, type Ask } from '../src/others';

const SAID = { uid: 'b2', name: 'base', status: 'finished', live: false, step: 3, rewrites: 0 };

/** Answers with what is given, one after the other, and keeps what was asked. */
function answering(...answers: object[]): { ask: Ask; asked: { [name: string]: unknown }[] } {
  const asked: { [name: string]: unknown }[] = [];
  const ask = async (question: string, wanted: object) => {
    asked.push({ question, ...wanted });
    return answers.shift() as ISaid<never>;
  };
  return { ask, asked };
}

function points(steps: number[], more: object = {}): object {
  const buffers = [new Float64Array(steps).buffer, new Float32Array(steps).buffer];
  return { content: { ...SAID, series: [['loss', steps.length]], anew: false, ...more }, buffers };
}

test('of a run that has ended the curves are fetched once', async () => {
  const { ask, asked } = answering(points([1, 2, 3], { anew: true }));
  const [other] = new Others(ask, ['b2']).all;

  assert.equal(await other.follow(['loss'], false), true);
  assert.equal(await other.follow(['loss'], false), false);
  assert.deepEqual(other.series.get('loss')!.steps, [1, 2, 3]);
  assert.equal(asked.length, 1);
});

test('a curve that was not asked for before is fetched at once, and of the others what is new', async () => {
  const { ask, asked } = answering(points([1, 2], { anew: true }), points([3]));
  const [other] = new Others(ask, ['b2']).all;
  await other.follow(['loss'], false);
  await other.follow(['loss', 'accuracy'], false);

  assert.deepEqual(asked[1].since, { loss: 2 });
  assert.deepEqual(other.series.get('loss')!.steps, [1, 2, 3]);
});

test('what was rewritten replaces what was known', async () => {
  const { ask } = answering(points([1, 2, 9], { anew: true, live: true }), points([1, 2], { anew: true }));
  const [other] = new Others(ask, ['b2']).all;
  await other.follow(['loss'], false);
  await other.follow(['loss', 'accuracy'], false);

  assert.deepEqual(other.series.get('loss')!.steps, [1, 2]);
});

test('a run of which nothing can be known says why', async () => {
  const others = new Others(() => Promise.reject(new Error('The run `b2` is no longer in the store.')), ['b2']);
  await others.all[0].follow(['loss'], false);

  assert.match(others.all[0].error!, /no longer in the store/);
});

test('so many runs are drawn as have colours, each one of its own', () => {
  const others = new Others(answering().ask);
  for (let run = 0; run < MOST + 2; run++) {
    others.toggle(`run${run}`);
  }
  others.toggle('run1');
  others.toggle('late');

  assert.equal(others.all.length, MOST);
  assert.equal(new Set(others.all.map(({ colour }) => colour)).size, MOST);
  assert.ok(others.has('late'));
});
