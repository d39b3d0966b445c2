import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Line } from '../src/line';
import type { IModel } from '../src/tokens';

/** A kernel that says nothing, and how often it was asked. */
class Silent implements IModel {
  asked = 0;
  get = () => undefined;
  send = () => void this.asked++;
  on = () => undefined;
  off = () => undefined;
}

const later = (ms: number) => new Promise(done => setTimeout(done, ms));

test('a question fails when nobody answers, and says why', async () => {
  const line = new Line(new Silent());
  await assert.rejects(line.ask('look', {}, 1), /The kernel is busy, or gone/);
});

test('who asks until there is an answer asks no more once the widget is gone', async () => {
  const comm = new Silent();
  const line = new Line(comm);
  const ask = (): Promise<unknown> => line.ask('state', {}, 2).catch(ask);
  void ask();
  await later(20);
  const before = comm.asked;
  line.dispose(); // while a question is on its way
  void ask();
  await later(20);

  assert.ok(before > 1);
  assert.equal(comm.asked, before);
});
