// Why a guard holds the run, and what can be done: above the charts for as long as it does.

import { block, count, held, sentence } from '../format';
import type { DashboardModel } from '../model';
import { h, prose, write } from './dom';

export class Alarm {
  private readonly head = h('b');
  private readonly block = h('code', { class: 'akid-block' });
  private readonly text = h('span');
  private readonly advice = h('p', {}, 'Set another learning rate and resume, or stop.');
  private told: string | null = null;
  readonly node = h(
    'div',
    { class: 'akid-alarm', role: 'alert', hidden: true },
    h('span', { class: 'akid-level', 'aria-hidden': 'true' }, '✕'),
    h('div', {}, h('p', {}, this.head, this.block, this.text), this.advice)
  );

  constructor(private readonly model: DashboardModel) {}

  update(): void {
    const { events, run } = this.model;
    const event = held(events, run.status);
    this.node.hidden = !event;
    if (event) {
      const isPaused = run.status === 'paused';
      write(this.head, `${isPaused ? 'Paused' : 'Stopped'} by the guard at step ${count(event.step)}`);
      write(this.block, block(event) ?? '');
      this.advice.hidden = !isPaused;
      this.tell(sentence(event) ?? '');
    }
  }

  private tell(text: string): void {
    if (text !== this.told) {
      this.told = text;
      this.text.replaceChildren(...prose(text));
    }
  }
}
