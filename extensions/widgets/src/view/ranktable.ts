// The ranks in a table: where each is, how long it works and waits, and whether its weights are those of the others.

import { bytes, count, ms, value } from '../format';
import { times, type IRank } from '../ranks';
import { h } from './dom';

const HEADS = ['Rank', 'Host', 'Process', 'State', 'Step', 'Step time', 'Own work', 'Waiting', 'Averaged', 'Gradient norm', 'Weights'];
const LEFT = new Set(['Host', 'State', 'Weights']);
const TITLES: { [head: string]: string } = {
  'Own work': 'Of a step, what the rank does by itself',
  Waiting: 'The share of a step in which it averages gradients, and waits for the others',
  Averaged: 'Bytes of gradients in each step',
  'Gradient norm': 'Of its own share of the batch, before it is averaged',
  Weights: 'A checksum of all weights: the same on all ranks that are well'
};

export class RankTable {
  private readonly body = h('tbody');
  readonly node = h(
    'div',
    { class: 'akid-people', tabindex: 0, role: 'region', 'aria-label': 'Ranks as a table' },
    h('table', {}, h('thead', {}, h('tr', {}, ...HEADS.map(head => h('th', { scope: 'col', title: TITLES[head] ?? null, class: LEFT.has(head) ? 'akid-left' : null }, head)))), this.body)
  );
  private drawn = '';

  update(ranks: IRank[]): void {
    const state = JSON.stringify(ranks);
    if (state !== this.drawn) {
      this.drawn = state;
      const most = Math.max(...ranks.map(({ own = 0 }) => own), 1e-9);
      this.body.replaceChildren(...ranks.map(rank => row(rank, most)));
    }
  }
}

function row(rank: IRank, most: number): HTMLElement {
  const { own, wait, stepTime } = rank;
  const share = stepTime && wait !== undefined ? `${Math.round((100 * wait) / stepTime)} %` : '–';
  const bar = h('i', { class: 'akid-work', 'aria-hidden': 'true', style: `width:${(60 * (own ?? 0)) / most}px` });
  const cells = [
    h('td', { class: 'akid-left' }, rank.host),
    h('td', {}, String(rank.pid)),
    h('td', { class: 'akid-left', 'data-state': rank.state }, rank.state),
    h('td', {}, count(rank.step)),
    h('td', {}, ms(stepTime)),
    h('td', { class: 'akid-own' }, ...(rank.lags ? [mark(`lags ${times(rank.lags)}`)] : []), bar, ms(own)),
    h('td', {}, share),
    h('td', {}, bytes(rank.bytes)),
    h('td', {}, value(rank.norm)),
    h('td', { class: 'akid-left' }, ...weights(rank))
  ];
  return h('tr', { 'data-rank': rank.rank, class: rank.lags || rank.drifts ? 'akid-unwell' : null }, h('th', { scope: 'row' }, String(rank.rank)), ...cells);
}

function weights({ checksum, drifts }: IRank): (HTMLElement | string)[] {
  if (checksum === null) {
    return ['–'];
  }
  const said = drifts ? mark(`differ since ${count(drifts)}`) : h('span', { class: 'akid-fine' }, '✓ ');
  return [said, h('code', { class: 'akid-code' }, checksum)];
}

function mark(text: string): HTMLElement {
  return h('span', { class: 'akid-mark' }, `⚠ ${text} `);
}
