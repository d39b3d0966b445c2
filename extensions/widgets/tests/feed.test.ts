import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Feed, type IBands, type ISource } from '../src/bands/feed';
import type { ISaid } from '../src/line';

interface IAsked {
  names: number;
  tags: { [tag: string]: [number | null, number] };
  points: number;
  within: [number, number] | null;
}

/** A kernel that knows some tags up to a step, and tells of at most `room` of them at once. */
class Kernel implements ISource {
  asked: IAsked[] = [];
  state = '1 running';
  isSeen = true;
  last = 3;
  room = 99;
  fails = '';

  async ask(asked: object): Promise<ISaid<IBands>> {
    const wanted = asked as IAsked;
    this.asked.push(wanted);
    if (this.fails) {
      throw new Error(this.fails);
    }
    const news = Object.entries(wanted.tags).filter(([, [since]]) => since === null || since < this.last);
    const told = news.slice(0, this.room);
    const steps = told.map(([, [since]]) => Array.from({ length: this.last - (since ?? 0) }, (_, i) => (since ?? 0) + i + 1));
    const bands = told.map(([tag], i) => ({ tag, points: steps[i].length, total: this.last, rewrites: 0, anew: false, elements: 9 }));
    const names = ['a', 'b', 'c'].slice(wanted.names);
    const values = new Float32Array(9 * steps.flat().length);
    return { content: { names, bands, more: told.length < news.length }, buffers: [Float64Array.from(steps.flat()).buffer, values.buffer] };
  }
}

async function answers(feed: Feed, many = 1): Promise<void> {
  for (let i = 0; i < many; i++) {
    await new Promise<void>(resolve => {
      const end = feed.changed.connect(() => {
        end();
        resolve();
      });
    });
  }
}

function fed(): [Kernel, Feed] {
  const kernel = new Kernel();
  return [kernel, new Feed(kernel, { points: 120, capacity: 512 })];
}

test('names are told once, and what is looked at comes whole, then what is new', async () => {
  const [kernel, feed] = fed();
  feed.want([]);
  await answers(feed);
  feed.want(['a', 'b']);
  await answers(feed);
  kernel.last = 4;
  kernel.state = '2 running';
  feed.poke();
  await answers(feed);
  feed.dispose();

  assert.deepEqual(feed.names, ['a', 'b', 'c']);
  assert.deepEqual(kernel.asked.map(({ names, tags }) => [names, tags]), [
    [0, {}],
    [3, { a: [null, 0], b: [null, 0] }],
    [3, { a: [3, 0], b: [3, 0] }]
  ]);
  assert.deepEqual([...feed.known.get('a')!.steps.subarray(0, 4)], [1, 2, 3, 4]);
});

test('where nothing is new nothing is asked, and at most twice a second', async () => {
  const [kernel, feed] = fed();
  feed.want(['a']);
  await answers(feed);
  feed.poke();
  await new Promise(resolve => setTimeout(resolve, 60));
  assert.equal(kernel.asked.length, 1);

  const begun = performance.now();
  for (let step = 2; step < 5; step++) {
    kernel.state = `${step} running`;
    feed.poke();
  }
  await answers(feed);
  feed.dispose();

  assert.equal(kernel.asked.length, 2);
  assert.ok(performance.now() - begun > 400);
});

test('what found no room is asked for again at once', async () => {
  const [kernel, feed] = fed();
  kernel.room = 1;
  const begun = performance.now();
  feed.want(['a', 'b', 'c']);
  await answers(feed, 3);
  feed.dispose();

  assert.deepEqual([...feed.known.keys()], ['a', 'b', 'c']);
  assert.ok(performance.now() - begun < 450);
});

test('what nobody sees is not fetched', async () => {
  const [kernel, feed] = fed();
  kernel.isSeen = false;
  feed.want(['a']);
  await new Promise(resolve => setTimeout(resolve, 60));
  feed.dispose();

  assert.equal(kernel.asked.length, 0);
});

test('a stretch of steps is fetched again, and what was known is drawn until it comes', async () => {
  const [kernel, feed] = fed();
  feed.want(['a']);
  await answers(feed);
  feed.want(['a'], [1, 2]);
  assert.equal(feed.known.get('a')!.length, 3);
  await answers(feed);
  feed.dispose();

  assert.deepEqual(kernel.asked.at(-1), { names: 3, tags: { a: [null, 0] }, points: 120, within: [1, 2] });
});

test('when there is no answer it says why', async () => {
  const [kernel, feed] = fed();
  kernel.fails = 'The kernel is busy';
  feed.want(['a']);
  await answers(feed);
  feed.dispose();

  assert.equal(feed.note, 'The kernel is busy');
});
