import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NotFound, type Server } from '../src/api';
import { Line } from '../src/line';
import { DashboardModel } from '../src/model';
import type { ICommand, IEvent, IHistory, IModel, IRun, ITick } from '../src/tokens';

const RUN: IRun = {
  uid: 'a1', name: 'digits', status: 'running', live: true, step: 0, epoch: 0, max_steps: 100,
  world_size: 1, places: [1, 2], samples_per_second: null, elapsed: 0, error: null
};

/** The comm as anywidget gives it: what is sent is kept, and `hear` is the kernel speaking. */
class Comm implements IModel {
  sent: { kind: string }[] = [];
  hear: (content: unknown, buffers?: DataView[]) => void = () => undefined;
  get = () => RUN;
  send = (content: unknown) => void this.sent.push(content as { kind: string });
  on = (_: string, callback: (...args: never[]) => void) => void (this.hear = callback as never);
  off = () => undefined;

  tick(seq: number, steps: number[], more: Partial<ITick> = {}): void {
    const buffers = [new Float64Array(steps), new Float32Array(steps)].map(array => new DataView(array.buffer));
    const run = { ...RUN, step: steps.at(-1) ?? 0 };
    const all = { kind: 'tick', seq, full: false, answer: false, coarse: false, anew: false, run, series: [['loss', steps.length]], events: [], logs: [] };
    this.hear({ ...all, ...more }, buffers);
  }
}

function steps(model: DashboardModel): number[] | undefined {
  return model.series.get('loss')?.steps;
}

function serverOf(answers: Partial<Server>): Server {
  return answers as Server;
}

const later = (ms: number) => new Promise(done => setTimeout(done, ms));

test('deltas from the first one on make a whole history', () => {
  const comm = new Comm();
  const model = new DashboardModel(new Line(comm), null);
  comm.tick(1, [1, 2]);
  comm.tick(2, [3]);

  assert.deepEqual(steps(model), [1, 2, 3]);
});

test('a listener that follows does not take the thin snapshot', () => {
  const comm = new Comm();
  const model = new DashboardModel(new Line(comm), null);
  comm.tick(1, [1, 2, 3]);
  comm.tick(1, [1, 3], { full: true });

  assert.deepEqual(steps(model), [1, 2, 3]);
});

test('a late listener catches up with the next snapshot', () => {
  const comm = new Comm();
  const model = new DashboardModel(new Line(comm), null);
  comm.tick(7, [70]);
  comm.tick(8, [80]);
  comm.tick(8, [10, 40, 80], { full: true });
  comm.tick(9, [90]);

  assert.deepEqual(steps(model), [10, 40, 80, 90]);
});

test('a late listener asks the server when the kernel is busy, and misses nothing', async () => {
  const comm = new Comm();
  const history: IHistory = { run: { ...RUN, step: 80 }, series: { loss: { steps: [10, 80], values: [1, null] } }, events: [], logs: [] };
  const model = new DashboardModel(new Line(comm), serverOf({ series: () => Promise.resolve(history) }));
  await later(600);
  comm.tick(9, [80, 90]);
  comm.tick(10, [100]);

  assert.equal(comm.sent[0].kind, 'sync');
  assert.deepEqual(steps(model), [10, 80, 90, 100]);
});

test('a snapshot that had no room for all series is not taken for the whole', () => {
  const comm = new Comm();
  const model = new DashboardModel(new Line(comm), null);
  comm.tick(7, [70]);
  comm.tick(8, [10, 80], { full: true, coarse: true });
  comm.tick(9, [90]);
  comm.tick(9, [5, 10, 80, 90], { full: true });

  assert.deepEqual(steps(model), [5, 10, 80, 90]);
});

test('a run that went back is drawn anew', () => {
  const comm = new Comm();
  const model = new DashboardModel(new Line(comm), null);
  comm.tick(1, [1, 2, 3, 4]);
  comm.tick(2, [], { full: false, series: [] });
  comm.tick(2, [1, 2], { full: true, anew: true });
  comm.tick(3, [3]);

  assert.deepEqual(steps(model), [1, 2, 3]);
});

test('a command goes both ways under one id, and counts as taken when one way took it', async () => {
  const comm = new Comm();
  const posted: ICommand[] = [];
  const take = (_: string, command: ICommand) => Promise.resolve(void posted.push(command));
  const model = new DashboardModel(new Line(comm), serverOf({ command: take, series: () => Promise.reject(new Error()) }));
  model.act('rate', 0.1);
  await later(10);

  assert.equal((comm.sent.at(-1) as unknown as ICommand).id, posted[0].id);
  assert.equal(model.pending.get('rate')!.state, 'taken');
  const event: IEvent = { id: 1, kind: 'rate', step: 5, time: 0, data: { id: posted[0].id, value: 0.1 } };
  comm.tick(1, [5], { events: [event] });
  assert.equal(model.pending.size, 0);
});

test('a command that nobody took is reported after two seconds', async () => {
  const model = new DashboardModel(new Line(new Comm()), null);
  model.act('pause');
  await later(2100);

  assert.equal(model.pending.get('pause')!.state, 'lost');
});

test('buttons work on a page that came over plain HTTP from another host', t => {
  t.mock.method(crypto, 'randomUUID', () => assert.fail('there is none on such a page'));
  const comm = new Comm();
  new DashboardModel(new Line(comm), null).act('pause');

  assert.match((comm.sent.at(-1) as unknown as ICommand).id, /^[0-9a-f]{32}$/);
});

test('what is known of the ranks is kept until there is news', () => {
  const comm = new Comm();
  const model = new DashboardModel(new Line(comm), null);
  const ranks = { hosts: ['ada'], rows: [[0, 41, 'running', 1, null, 0, 0]] as never };
  comm.tick(1, [1], { ranks });
  comm.tick(2, [2], { ranks: null });

  assert.deepEqual(model.ranks, ranks);
});

test('questions about a run that has ended go to the kernel, each answer to who asked', async () => {
  const comm = new Comm();
  const model = new DashboardModel(new Line(comm), null);
  const first = model.ask('log', { rank: 1 });
  const second = model.ask<{ more: boolean }>('log', { rank: 0 });
  const [one, other] = comm.sent.slice(-2) as unknown as { id: string; asked: { rank: number } }[];
  comm.hear({ kind: 'answer', id: other.id, content: { more: true } }, [new DataView(new Float32Array([1, 2]).buffer)]);
  comm.hear({ kind: 'answer', id: one.id, error: 'no such run' }, []);

  assert.deepEqual([one.asked.rank, (await second).content.more], [1, true]);
  assert.deepEqual([...new Float32Array((await second).buffers[0])], [1, 2]);
  await assert.rejects(first, /no such run/);
});

test('a run that the server does not know is asked of the kernel, and the server no more', async () => {
  const comm = new Comm();
  let times = 0;
  const ask = () => Promise.reject(new NotFound(`no live run, said ${++times} times`));
  const model = new DashboardModel(new Line(comm), serverOf({ ask, series: () => Promise.reject(new Error('unknown')) }));
  for (const said of [1, 2]) {
    const answer = model.ask<number>('bands');
    await later(0);
    comm.hear({ kind: 'answer', id: (comm.sent.at(-1) as unknown as { id: string }).id, content: said }, []);
    assert.equal((await answer).content, said);
  }

  assert.equal(times, 1);
});

test('a move is on its way until the run has moved', () => {
  const comm = new Comm();
  const model = new DashboardModel(new Line(comm), null);
  model.act('ranks', 2);
  const { id } = comm.sent.at(-1) as unknown as ICommand;
  comm.hear({ kind: 'ack', id, ok: true });
  comm.tick(1, [1]);

  assert.equal(model.pending.get('ranks')?.state, 'taken');
  comm.tick(2, [2], { events: [{ id: 1, kind: 'moved', step: 1, time: 0, data: { id, from: 1, to: 2 } }] });
  assert.equal(model.pending.has('ranks'), false);
});

test('a move that was refused says why at once', () => {
  const comm = new Comm();
  const model = new DashboardModel(new Line(comm), null);
  model.act('ranks', 2);
  const { id } = comm.sent.at(-1) as unknown as ICommand;
  comm.hear({ kind: 'ack', id, ok: false, error: 'A loop cannot be moved.' });

  assert.deepEqual([model.pending.get('ranks')?.state, model.pending.get('ranks')?.error], ['lost', 'A loop cannot be moved.']);
});

test('a move that one way cannot deliver and the other can is on its way', () => {
  const comm = new Comm();
  const model = new DashboardModel(new Line(comm), null);
  model.act('ranks', 2);
  const { id } = comm.sent.at(-1) as unknown as ICommand;
  comm.hear({ kind: 'ack', id, ok: false, error: 'Nothing here can reach this run.' });
  comm.hear({ kind: 'ack', id, ok: true });

  assert.equal(model.pending.get('ranks')?.state, 'taken');
});

test('a note carries its text, and for a past run the server is not asked', () => {
  const comm = new Comm();
  const told: ICommand[] = [];
  const server = serverOf({ command: async (_: string, command: ICommand) => void told.push(command), series: async () => Promise.reject(new Error()) });
  const model = new DashboardModel(new Line(comm), server);
  model.act('note', null, 'a hint');
  model.run = { ...RUN, live: false };
  model.act('note', null, 'later');

  assert.deepEqual(told.map(({ text }) => text), ['a hint']);
  assert.deepEqual(comm.sent.filter(({ kind }) => kind === 'command').map(sent => (sent as unknown as ICommand).text), ['a hint', 'later']);
});

test('a checkpoint that a run refuses is told at once', async () => {
  const comm = new Comm();
  const model = new DashboardModel(new Line(comm), null);
  model.act('save');
  const { id } = model.pending.get('save')!.command;
  comm.hear({ kind: 'ack', id, ok: false, error: 'It writes none.' });

  assert.deepEqual([model.pending.get('save')!.state, model.pending.get('save')!.error], ['lost', 'It writes none.']);
});
