import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duration, rate, sentence, title, value } from '../src/format';

test('values read with four digits', () => {
  const read = [0.31416, 12.345, 0.00001234, 0, 1234567, NaN, Infinity, null].map(value);

  assert.deepEqual(read, ['0.3142', '12.35', '1.23e-5', '0.0000', '1.23e6', 'NaN', '∞', '–']);
});

test('a learning rate reads as it is typed, also when it came as float32', () => {
  assert.deepEqual([Math.fround(0.01), Math.fround(3e-5), 0.5].map(rate), ['0.01', '3e-5', '0.5']);
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
