// The head of a dashboard: which run, how it is, how far it has come.

import { count, duration, observing, sentence, speed, title, warns } from '../format';
import type { DashboardModel } from '../model';
import { h, write } from './dom';

const WORDS: { [status: string]: string } = { preparing: 'Preparing', lost: 'Lost' };

export class Header {
  private readonly name = h('span', { class: 'akid-name' });
  private readonly word = h('span', { role: 'status', 'aria-live': 'polite' });
  private readonly badge = h('span', { class: 'akid-badge' }, h('i', { class: 'akid-dot', 'aria-hidden': 'true' }), this.word);
  private readonly warned = h('span', { class: 'akid-warned', role: 'img', hidden: true }, '⚠');
  private readonly ranks = h('span', { class: 'akid-ranks' });
  private readonly branch = h('span', { class: 'akid-branch' });
  private readonly fill = h('div', { class: 'akid-fill' });
  readonly bar = h('div', { class: 'akid-bar', role: 'progressbar', 'aria-label': 'Steps', 'aria-valuemin': 0 }, this.fill);
  readonly node = h('div', { class: 'akid-title' }, this.name, this.badge, this.warned, this.branch, this.ranks);
  private readonly stats = { Step: h('b'), Epoch: h('b'), 'Samples/s': h('b'), Elapsed: h('b'), Left: h('b') };
  private readonly cost = h('b');
  private readonly costWord = h('span');
  private readonly observing = h('span', { class: 'akid-stat akid-observing', hidden: true, title: 'The share of the time that looking inside takes, and at which steps that is done' }, this.costWord, this.cost);
  readonly numbers = h(
    'div',
    { class: 'akid-stats' },
    ...Object.entries(this.stats).map(([label, value]) => h('span', { class: 'akid-stat', 'data-stat': label }, label, value)),
    this.observing
  );

  constructor(private readonly model: DashboardModel) {}

  update(): void {
    const { run, pace } = this.model;
    write(this.name, run.name);
    write(this.word, WORDS[run.status] ?? title(run.status));
    this.badge.dataset.status = run.status;
    this.updateWarned();
    write(this.ranks, run.world_size > 1 ? `${run.world_size} ranks` : '');
    this.updateBranch();
    this.updateBar();
    const left = run.live && run.max_steps && pace ? (run.max_steps - run.step) / pace : null;
    write(this.stats.Step, run.max_steps ? `${count(run.step)} / ${count(run.max_steps)}` : count(run.step));
    write(this.stats.Epoch, count(run.epoch));
    write(this.stats['Samples/s'], speed(run.samples_per_second));
    write(this.stats.Elapsed, duration(run.elapsed));
    write(this.stats.Left, run.live ? duration(left) : '–');
    this.updateCost();
  }

  private updateCost(): void {
    const { series, run } = this.model;
    const said = observing(series.get('observation_share')?.last, series.get('observation_every')?.last);
    this.observing.hidden = said === null;
    write(this.costWord, run.live ? 'Observing' : 'Observed');
    write(this.cost, said ?? '');
  }

  private updateBranch(): void {
    this.model.followAncestors([]);
    const { parent } = this.model.ancestry;
    write(this.branch, parent ? `branch of ${parent.name} at step ${count(parent.until)}` : '');
    this.branch.title = this.branch.textContent ?? '';
  }

  /** A run that ended well and was warned of something did not. */
  private updateWarned(): void {
    const said = this.model.events.filter(event => warns(event) || event.kind === 'guard').map(event => sentence(event)).join('\n');
    this.warned.hidden = !said;
    this.warned.title = said;
    this.warned.setAttribute('aria-label', said);
  }

  private updateBar(): void {
    const { run } = this.model;
    const share = run.max_steps ? Math.min(1, run.step / run.max_steps) : run.live ? 0 : 1;
    this.fill.style.width = `${(100 * share).toFixed(2)}%`;
    this.bar.dataset.status = run.status;
    this.bar.classList.toggle('akid-endless', run.live && !run.max_steps && run.status === 'running');
    if (run.max_steps) {
      this.bar.setAttribute('aria-valuemax', String(run.max_steps));
      this.bar.setAttribute('aria-valuenow', String(run.step));
    }
  }
}
