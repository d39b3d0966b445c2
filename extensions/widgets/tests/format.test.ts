import assert from 'node:assert/strict';
import { test } from 'node:test';
import { besideCursor, block, bytes, difference, duration, held, moment, ms, observing, rate, sentence, tick, title, typedRate, unsaid, value, warns, wrongRate } from '../src/format';

test('values read with four digits', () => {
  const read = [0.31416, 12.345, 0.00001234, 0, 1234567, NaN, Infinity, null].map(value);

  assert.deepEqual(read, ['0.3142', '12.35', '1.23e-5', '0.0000', '1.23e6', 'NaN', '∞', '–']);
});

test('a learning rate reads as it is typed, also when it came as float32', () => {
  assert.deepEqual([Math.fround(0.01), Math.fround(3e-5), 0.5].map(rate), ['0.01', '3e-5', '0.5']);
});

test('what is typed as a learning rate is one, or is told what one is', () => {
  assert.deepEqual(['0.01', ' 3e-5 ', '0,5', '0', 'abc', '-1', 'Infinity', ' '].map(typedRate), [0.01, 3e-5, 0.5, 0, null, null, null, null]);
  assert.equal(wrongRate(' abc'), 'A learning rate is a number of 0 or more, found `abc`.');
  assert.deepEqual(['0,5', ' '].map(wrongRate), ['', '']);
});

test('durations read as a clock', () => {
  assert.deepEqual([7, 205, 3723, 183_845, null].map(duration), ['0:07', '3:25', '1:02:03', '2 d 03:04', '–']);
});

test('a tag reads as words', () => {
  assert.equal(title('validation_loss'), 'Validation loss');
});

test('events read as sentences, and chatter is not told', () => {
  const event = (kind: string, data = {}) => sentence({ id: 1, kind, step: 3, time: 0, data });

  assert.equal(event('rate', { value: 0.002 }), 'Learning rate set to 0.002');
  assert.equal(event('step', { value: 5 }), 'Made 5 steps');
  assert.equal(event('error', { error: 'Traceback\n  ...\nValueError: no' }), 'ValueError: no');
  assert.equal(event('epoch'), null);
});

test('a run that was stopped does not read as finished', () => {
  const end = (data: { [key: string]: unknown }) => sentence({ id: 1, kind: 'finished', step: 3, time: 0, data });

  assert.deepEqual([{ outcome: 'stopped' }, { outcome: 'finished' }, {}].map(end), ['Training stopped', 'Training finished', 'Training finished']);
});

test('ticks are short, and powers of ten where they are huge or tiny', () => {
  const read = [0, 0.05, 20_000, 1.5e6, 999e6, 1e9, 2.5e12, -4e20, -1e21, 1e-5, 1.5e-4].map(tick);

  assert.deepEqual(read, ['0', '0.05', '20k', '1.5M', '999M', '10⁹', '2.5·10¹²', '-4·10²⁰', '-10²¹', '10⁻⁵', '1.5·10⁻⁴']);
});

test('a line that an event says as well is told once', () => {
  const line = (id: number, text: string) => ({ id, text, step: 3, time: 0, level: 'warning', rank: 0 });
  const events = [
    { id: 1, kind: 'warning', step: 3, time: 0, data: { text: 'not finite' } },
    { id: 2, kind: 'error', step: 3, time: 0, data: { error: 'ValueError: no', traceback: 'Traceback\nValueError: no\n' } },
    { id: 3, kind: 'pause', step: 3, time: 0, data: {} }
  ];
  const logs = [line(1, 'not finite'), line(2, 'hello'), line(3, 'Traceback\nValueError: no'), line(4, '')];

  assert.deepEqual(unsaid(logs, events).map(log => log.id), [2, 4]);
});

test('what looking inside costs reads as a share and a pace', () => {
  assert.equal(observing(0.0142, 10), '1.4 % · every 10');
  assert.equal(observing(0.0001, 1), '< 0.1 % · every step');
  assert.equal(observing(0.256, 2000), '26 % · every 2,000');
  assert.equal(observing(0, undefined), '0.0 %');
  assert.equal(observing(undefined, undefined), null);
});

test('a finding says its block, and a guard holds the run until something else comes', () => {
  const event = (kind: string, data = {}) => ({ id: 1, kind, step: 3, time: 0, data });
  const guard = event('guard', { finding: 'not finite', block: 'conv1', text: 'The loss is NaN.' });

  assert.equal(block(guard), 'conv1');
  assert.equal(block(event('warning', { text: 'hm', block: 'conv1' })), undefined);
  assert.equal(block(event('warning', { finding: 'dead_relu', text: '`relu1` is dead.', block: 'relu1' })), undefined);
  assert.equal(sentence(guard), 'The loss is NaN.');
  assert.equal(held([guard, event('rate')], 'paused'), guard);
  assert.equal(held([guard], 'stopped'), guard);
  assert.equal(held([guard], 'running'), null);
  assert.equal(held([guard, event('resume'), event('stop')], 'stopped'), null);
});

test('what is measured of ranks reads with its unit', () => {
  assert.deepEqual([2600, 32_512, 23_300_000, undefined].map(bytes), ['2,600 B', '32.5 kB', '23.3 MB', '–']);
  assert.deepEqual([0.5, 53.21, 1234.5, undefined].map(ms), ['0.500 ms', '53.2 ms', '1,235 ms', '–']);
  assert.equal(title('ranks/own_ms'), 'Own step time, ms');
});

test('a rank that lags or drifts is a warning, a timeline is not', () => {
  const event = (kind: string, data = {}) => ({ id: 1, kind, step: 3, time: 0, data });

  assert.deepEqual(['rank_lags', 'rank_drifts', 'rank_lost', 'timeline', 'save'].map(kind => warns(event(kind))), [true, true, true, false, false]);
  assert.equal(sentence(event('timeline', { first: 101, last: 150 })), 'Timeline of steps 101 to 150 recorded');
  assert.equal(sentence(event('save')), null);
  assert.equal(sentence(event('reduction', { path: 'shared', ms: { shared: 0.4, torch: 1.25 } })), 'Gradients are averaged by: shared (shared 0.400 ms, torch 1.25 ms)');
});

test('moments that lie close together are told in parts of a second', () => {
  assert.deepEqual([moment(0.25, 0.05), moment(0.5, 0.1), moment(75, 5)], ['0.25 s', '0.5 s', '1:15']);
});

test('a pinned value says how far the cursor is from it, where there is something to say', () => {
  assert.deepEqual([besideCursor(0.5, 0.75), besideCursor(0.5, 0.5), besideCursor(0.5, null)], ['0.5000 (at the cursor +0.2500)', '0.5000', '0.5000']);
});

test('a difference carries its sign', () => {
  assert.deepEqual([difference(0.5), difference(-0.0123), difference(0)], ['+0.5000', '−0.0123', '±0']);
});
