import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CompareModel } from '../src/compare/model';
import { cut, headed, marks, said, signOf, sorted } from '../src/compare/said';
import type { IAbout, ICurves } from '../src/compare/tokens';
import type { Line } from '../src/line';
import { Signal } from '../src/signal';

test('changes stand under their headings', () => {
  const lr = { kind: 'parameter' as const, name: 'lr', values: [0.1, 0.2] };
  const seed = { kind: 'seed' as const, name: 'seed', values: [0, 1] };
  assert.deepEqual(headed([lr, seed]), [['Parameters', [lr]], ['Seeds', [seed]]]);
});

test('a value that is not there is a dash, and zero is not', () => {
  assert.deepEqual([null, '', 0, 3, 0.05, 0.123456, false, 'LeNet'].map(said), ['–', '–', '0', '3', '0.05', '0.1235', 'false', 'LeNet']);
});

test('rows are sorted as numbers, what is missing last both ways', () => {
  const rows = [{ lr: 10 }, { lr: null }, { lr: 9 }];
  assert.deepEqual(sorted(rows, 'lr', false).map(row => row.lr), [9, 10, null]);
  assert.deepEqual(sorted(rows, 'lr', true).map(row => row.lr), [10, 9, null]);
});

test('curves are cut out of the buffers end to end', () => {
  const content: ICurves = { runs: [], tags: ['loss'], series: [['a', 'loss', 2], ['b', 'loss', 1]] };
  const buffers = [Float64Array.of(1, 2, 5).buffer, Float32Array.of(0.5, 0.25, 4).buffer];
  assert.deepEqual(cut(content, buffers), [
    { uid: 'a', tag: 'loss', steps: [1, 2], values: [0.5, 0.25] },
    { uid: 'b', tag: 'loss', steps: [5], values: [4] }
  ]);
});

test('a node that was changed and rewired says both, and is marked as changed', () => {
  const changes = { added: { d: 'new' }, removed: { c: 'old' }, changed: { a: 'wider' }, rewired: { a: 'reads x', b: 'reads y' } };
  assert.deepEqual([...marks(changes, true)], [['a', { mark: 'changed', said: 'wider; reads x' }], ['b', { mark: 'rewired', said: 'reads y' }], ['d', { mark: 'added', said: 'new' }]]);
  assert.ok(marks(changes, false).has('c') && !marks(changes, false).has('d'));
});

test('the lines of a difference tell whether they came or went', () => {
  assert.deepEqual(['+a = 2', '-a = 1', '...'].map(signOf), ['came', 'went', null]);
});

/** A kernel that knows two runs, one of which trains until `ended`. */
function kernel() {
  const asked: { what: string; wanted?: string[] }[] = [];
  const state = { live: true, step: 3 };
  const runs = () => ['a', 'b'].map(uid => ({ uid, name: uid, status: 'running', live: uid === 'b' && state.live, step: state.step, max_steps: 10 }));
  const line = {
    head: { uids: ['a', 'b'], names: ['a', 'b'], live: [false, true] },
    heard: new Signal(),
    ask: (_question: string, question: { what: string; wanted?: string[] }) => {
      asked.push(question);
      const series = (question.wanted ?? []).map(uid => [uid, 'loss', state.step]);
      const points = series.length * state.step;
      const about = { runs: runs(), tags: ['loss'], changes: [], table: [] } as unknown as IAbout;
      const curves = { runs: runs().filter(run => question.wanted?.includes(run.uid)), tags: ['loss'], series };
      const buffers = [Float64Array.from({ length: points }, (_, i) => i % state.step).buffer, new Float32Array(points).buffer];
      return Promise.resolve(question.what === 'about' ? { content: about, buffers: [] } : { content: curves, buffers });
    }
  };
  return { asked, state, line: line as unknown as Line };
}

async function settled(told: Signal): Promise<void> {
  await new Promise<void>(done => {
    const end = told.connect(() => {
      end();
      done();
    });
  });
}

test('a run that has ended is asked for once, one that trains while somebody looks', async () => {
  const { asked, state, line } = kernel();
  const model = new CompareModel(line, null, () => ({ node: null as never, dispose: () => undefined }));
  await settled(model.told);
  assert.deepEqual(asked.map(({ what, wanted }) => [what, wanted?.join()]), [['about', undefined], ['curves', 'a'], ['curves', 'b']]);
  assert.equal(model.series('b', 'loss').length, 3);

  model.watch(line, true);
  state.step = 7;
  await settled(model.told);
  assert.deepEqual([model.series('a', 'loss').length, model.series('b', 'loss').length], [3, 7]);

  state.live = false;
  await settled(model.told);
  await settled(model.told); // what the other one came to
  const count = asked.length;
  await new Promise(done => setTimeout(done, 700));
  assert.equal(asked.length, count);
  model.dispose();
});

test('nobody is asked while nobody looks', async () => {
  const { asked, line } = kernel();
  const model = new CompareModel(line, null, () => ({ node: null as never, dispose: () => undefined }));
  await settled(model.told);
  const count = asked.length;
  await new Promise(done => setTimeout(done, 700));
  assert.equal(asked.length, count);
  model.dispose();
});
