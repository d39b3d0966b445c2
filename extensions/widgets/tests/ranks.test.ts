import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complaints, steps, table, ticks, timeline } from '../src/ranks';
import { Series } from '../src/series';
import type { IRanks } from '../src/tokens';

const RANKS: IRanks = {
  hosts: ['ada', 'bob'],
  rows: [[0, 41, 'running', 120, 'a1b2c3d4', 0, 0], [1, 42, 'running', 120, 'a1b2c3d4', 0, 0]]
};

function known(values: { [tag: string]: number }): Map<string, Series> {
  return new Map(
    Object.entries(values).map(([tag, value]) => {
      const series = new Series();
      series.extend([120], [value]);
      return [tag, series];
    })
  );
}

test('a row has where a rank is, and the last of what was measured of it', () => {
  const [, row] = table(RANKS, known({ 'ranks/own_ms/0': 2, 'ranks/own_ms/1': 53, 'ranks/wait_ms/1': 1 }));

  assert.deepEqual([row.rank, row.host, row.pid, row.own, row.wait, row.norm], [1, 'bob', 42, 53, 1, undefined]);
});

test('who is not well is named, and nobody else', () => {
  const unwell: IRanks = { hosts: ['ada'], rows: [[0, 41, 'running', 9, null, 0, 0], [0, 42, 'running', 9, null, 25.3, 0], [0, 43, 'lost', 9, null, 1.6, 24]] };

  assert.deepEqual(complaints(table(RANKS, new Map())), []);
  assert.deepEqual(complaints(table(unwell, new Map())), ['rank 1 lags ×25', 'rank 2 is lost', 'rank 2 lags ×1.6', 'rank 2 drifts']);
});

const TRACE = JSON.stringify({
  traceEvents: [
    { name: 'process_name', ph: 'M', pid: 0, tid: 0, args: { name: 'rank 0 on ada' } },
    { name: 'process_name', ph: 'M', pid: 1, tid: 0, args: { name: 'rank 1 on ada' } },
    { name: 'own work', cat: 'own', ph: 'X', ts: 0, dur: 1000, pid: 0, tid: 0, args: { step: 7 } },
    { name: 'average', cat: 'wait', ph: 'X', ts: 1000, dur: 2500, pid: 0, tid: 0, args: { step: 7, bytes: 40 } },
    { name: 'average', cat: 'wait', ph: 'X', ts: 3000, dur: 500, pid: 1, tid: 0, args: { step: 7, bytes: 40 } },
    { name: 'gather', cat: 'other', ph: 'X', ts: 4000, dur: 500, pid: 1, tid: 0, args: {} }
  ]
});

test('a trace is read as bars in lanes', () => {
  const { lanes, bars, length } = timeline(TRACE);

  assert.deepEqual([lanes, length], [['rank 0 on ada', 'rank 1 on ada'], 4.5]);
  assert.deepEqual(bars.map(({ rank, kind, start }) => [rank, kind, start]), [[0, 'own', 0], [0, 'wait', 1], [1, 'wait', 3], [1, 'other', 4]]);
});

test('the table behind a timeline has a row for each step', () => {
  assert.deepEqual(steps(timeline(TRACE)), [[7, [1, null], [2.5, 0.5]]]);
});

test('ticks of a timeline are round and not too many', () => {
  assert.deepEqual(ticks(4.5, 5), [0, 1, 2, 3, 4]);
  assert.ok(ticks(1234, 10).length <= 11);
});
