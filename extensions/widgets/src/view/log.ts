// The tab of what was said: the messages of the run, and what its ranks wrote.

import type { DashboardModel } from '../model';
import { h } from './dom';
import { Messages } from './messages';
import { RankLog } from './ranklog';
import type { ITab } from './tabs';

export class Log implements ITab {
  private readonly messages: Messages;
  private readonly output: RankLog;
  readonly node: HTMLElement;

  constructor(private readonly model: DashboardModel) {
    this.messages = new Messages(model);
    this.output = new RankLog(model);
    this.node = h('div', { class: 'akid-logtab' }, this.messages.node, this.output.node);
  }

  update(): void {
    this.messages.update();
    const ranks = this.model.ranks?.rows.length ?? 0;
    this.output.node.hidden = !ranks;
    if (ranks) {
      this.output.update(ranks);
    }
  }

  dispose(): void {}
}
