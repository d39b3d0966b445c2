import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ancestry } from '../src/ancestry';
import { beginning, Branching, cell, type IOrigin } from '../src/branching';
import type { ISaid } from '../src/line';
import type { Ask } from '../src/others';
import { lead } from '../src/series';

const RUN = { name: 'digits', live: false, max_steps: 400 };

/** Answers with what is given, one after the other, and keeps what was asked. */
function answering(...answers: object[]): { ask: Ask; asked: object[] } {
  const asked: object[] = [];
  const ask = async (_: string, wanted: object) => {
    asked.push(wanted);
    return answers.shift() as ISaid<never>;
  };
  return { ask, asked };
}

function from(run: string | null, step: number | null, first: number | null = null): IOrigin {
  return { run, step, first };
}

test('the cell of a branch begins the kid at the checkpoint of its run', () => {
  assert.equal(cell(from('digits', 300), RUN, 'kid'), '%akid_train kid --from digits@300 --name digits-from-300');
  assert.equal(cell(from('my run', 300), RUN, 'kid'), "%akid_train kid --from 'my run@300' --name 'my run-from-300'");
});

test('where the run had made all of its steps, the branch is given some', () => {
  assert.match(cell(from('digits', 400), RUN, 'kid'), / --steps 100$/);
  assert.match(cell(from('digits', 400), { ...RUN, max_steps: null }, 'kid'), /from-400$/);
});

test('a kid that may still train is copied', () => {
  const [first, second] = cell(from('digits', 300), { ...RUN, live: true }, 'kid').split('\n');

  assert.match(first, /^branch = kid\.branch\(300, "digits-from-300"\)/);
  assert.equal(second, '%akid_train branch');
});

test('where no variable is known, a comment says what to fill in', () => {
  const [first, second] = cell(from('digits', 300), { ...RUN, live: true }, null).split('\n');

  assert.match(first, /^# Needs a kid such as digits was made with/);
  assert.equal(second, '%akid_train --from digits@300 --name digits-from-300');
});

test('it is said from which checkpoint a branch begins, or how to have more', () => {
  assert.deepEqual(beginning(from('digits', 300), 312, 'digits'), { said: 'from the checkpoint of step 300', advice: '' });
  assert.match(beginning(from('digits', 300), 312, 'slower').said, /step 300 of digits$/);
  const none = beginning(from(null, null, 500), 312, 'digits');
  assert.equal(none.said, 'no checkpoint at step 312 or before');
  assert.match(none.advice, /The first one is of step 500\. .* val_log_step .* kid\.save\(\), .* --keep 20 .* makes none/);
  assert.match(beginning(from(null, null), 312, 'digits').advice, /The run has none yet/);
});

test('of a run that has ended the checkpoints are looked at once for a step', async () => {
  const { ask, asked } = answering({ content: from('digits', 300), buffers: [] }, { content: from('digits', 100), buffers: [] });
  const branching = new Branching(ask);
  await branching.follow(312, false);
  await branching.follow(312, false);
  assert.equal(branching.origin!.step, 300);
  await branching.follow(120, false);

  assert.equal(branching.origin!.step, 100);
  assert.deepEqual(asked, [{ step: 312 }, { step: 120 }]);
});

test('an answer that comes when another step is pinned is not taken', async () => {
  let tell: (said: ISaid<never>) => void = () => undefined;
  const branching = new Branching(() => new Promise(resolve => (tell = resolve as never)));
  const first = branching.follow(312, false);
  void branching.follow(120, false);
  tell({ content: from('digits', 300) as never, buffers: [] });
  await first;

  assert.equal(branching.origin, null);
});

test('the way to a branch and its curves are fetched once', async () => {
  const said = {
    content: { way: [{ uid: 'a1', name: 'digits', until: 2 }], series: [['loss', 2]] },
    buffers: [new Float64Array([1, 2]).buffer, new Float32Array([4, 3]).buffer]
  };
  const { ask, asked } = answering(said, said);
  const ancestry = new Ancestry(ask, true);

  await ancestry.follow(['loss']);
  await ancestry.follow(['loss']);

  assert.equal(ancestry.parent!.name, 'digits');
  assert.deepEqual(ancestry.series.get('loss')!.values, [4, 3]);
  assert.equal(asked.length, 1);
});

test('a curve that comes later is fetched when the way is known', async () => {
  const way = [{ uid: 'a1', name: 'digits', until: 2 }];
  const said = (...series: [string, number][]) => ({ content: { way, series }, buffers: [new Float64Array(series.length).buffer, new Float32Array(series.length).buffer] });
  const { ask, asked } = answering(said(), said(['loss', 1]));
  const ancestry = new Ancestry(ask, true);
  await ancestry.follow([]);
  await ancestry.follow(['loss']);

  assert.deepEqual(asked, [{ tags: [] }, { tags: ['loss'] }]);
  assert.equal(ancestry.series.get('loss')!.length, 1);
});

test('a way that is not yet written is asked for again', async () => {
  const none = { content: { way: [], series: [] }, buffers: [new ArrayBuffer(0), new ArrayBuffer(0)] };
  const { ask, asked } = answering(none, { ...none, content: { way: [{ uid: 'a1', name: 'digits', until: 2 }], series: [] } });
  const ancestry = new Ancestry(ask, true);
  const again = new Promise<void>(done => ancestry.changed.connect(() => void ancestry.follow([]).then(done)));
  await ancestry.follow([]);
  assert.equal(ancestry.parent, null);
  await again;

  assert.equal(ancestry.parent!.name, 'digits');
  assert.equal(asked.length, 2);
});

test('a run that is no branch asks for no way', async () => {
  const { ask, asked } = answering();

  await new Ancestry(ask, false).follow(['loss']);

  assert.equal(asked.length, 0);
});

test('what led to a curve joins it, and is no more where the curve was measured again', () => {
  const before = { steps: [1, 2, 3], values: [9, 8, 7] };

  assert.deepEqual(lead(before, { steps: [4, 5], values: [6, 5] }), { steps: [1, 2, 3, 4], values: [9, 8, 7, 6] });
  assert.deepEqual(lead(before, { steps: [3], values: [6.5] }), { steps: [1, 2, 3], values: [9, 8, 6.5] });
  assert.deepEqual(lead(before, { steps: [], values: [] }), before);
});
