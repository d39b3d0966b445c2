// The buttons and the learning rate: what can be asked of a run that lives.

import { rate, typedRate, wrongRate } from '../format';
import type { DashboardModel } from '../model';
import type { Action } from '../tokens';
import { h, icon, write } from './dom';
import { Processes } from './processes';

const DECADES = [-6, 1]; // the slider goes from 1e-6 to 10

const DOING: { [action: string]: string } = {
  pause: 'Pausing…',
  resume: 'Resuming…',
  stop: 'Stopping…'
};

const REFUSED: { [action: string]: string } = { ranks: 'Not moved.', save: 'Not saved.', note: 'Not kept.' };

export class Controls {
  private readonly toggleIcon = h('span');
  private readonly toggleWord = h('span');
  private readonly toggle = this.button('akid-toggle', () => this.togglePause(), this.toggleIcon, this.toggleWord);
  private readonly step = this.button('akid-step', () => this.stepOnce(), icon('step'), h('span', {}, 'Step'));
  private readonly stop = this.button('akid-stop', () => this.model.act('stop'), icon('stop'), h('span', {}, 'Stop'));
  private readonly save = this.button('akid-save', () => this.checkpoint(), icon('save'), h('span', {}, 'Checkpoint'));
  private readonly slider = h('input', {
    type: 'range',
    class: 'akid-lr-slider',
    min: DECADES[0],
    max: DECADES[1],
    step: 0.05,
    'aria-label': 'Learning rate, logarithmic',
    input: () => this.showDragged(),
    change: () => this.send(10 ** Number(this.slider.value)),
    pointerdown: () => (this.dragging = true),
    pointerup: () => (this.dragging = false),
    blur: () => (this.dragging = false)
  });
  private readonly box = h('input', {
    type: 'text',
    class: 'akid-lr-box',
    inputmode: 'decimal',
    size: 8,
    spellcheck: 'false',
    'aria-label': 'Learning rate',
    change: () => this.sendTyped(),
    blur: () => this.updateRate()
  });
  readonly rateNode = h('label', { class: 'akid-rate' }, h('span', {}, 'Learning rate'), this.slider, this.box);
  readonly buttons = h('div', { class: 'akid-buttons', role: 'group', 'aria-label': 'Training' }, this.toggle, this.step, this.stop, this.save);
  readonly processes: Processes;
  readonly notice = h('div', { class: 'akid-notice', role: 'alert' });

  private dragging = false;
  private asked: number | null = null;
  /** What is wrong with the learning rate that was typed. */
  private wrong = '';

  constructor(private readonly model: DashboardModel) {
    this.processes = new Processes(model);
    this.drawToggle('pause');
  }

  togglePause(): void {
    if (this.model.run.live) {
      this.model.act(this.model.run.status === 'paused' ? 'resume' : 'pause');
    }
  }

  stepOnce(): void {
    if (this.model.run.live) {
      this.model.act('step', 1);
    }
  }

  checkpoint(): void {
    if (this.model.run.live) {
      this.model.act('save');
    }
  }

  update(): void {
    const { run, pending } = this.model;
    const next = run.status === 'paused' ? 'resume' : 'pause';
    this.drawToggle(next);
    const doing = [...pending.values()].map(({ command, state }) => (state === 'lost' ? undefined : DOING[command.action])).find(Boolean);
    const busy = (action: Action) => pending.has(action) && pending.get(action)!.state !== 'lost';
    this.toggle.classList.toggle('akid-busy', busy('pause') || busy('resume'));
    this.stop.classList.toggle('akid-busy', busy('stop'));
    this.save.classList.toggle('akid-busy', busy('save'));
    this.buttons.setAttribute('aria-busy', String(Boolean(doing)));
    this.tell();
    this.updateRate();
    this.processes.update();
  }

  /** What was typed wrong, and what nobody took. */
  private tell(): void {
    const { run, pending } = this.model;
    const silent = [...pending.values()].filter(({ state }) => state === 'lost').at(-1);
    const why = silent?.error ?? 'Neither the server nor the kernel has taken it.';
    const refused = silent?.error && REFUSED[silent.command.action];
    const said = refused ? `${refused} ${why}` : `No answer to “${silent?.command.action}” yet. ${why}`;
    const unheard = silent && (run.live || silent.command.action === 'note') ? said : '';
    write(this.notice, [run.live ? this.wrong : '', unheard].filter(Boolean).join(' '));
  }

  private updateRate(): void {
    const now = this.model.series.get('learning_rate')?.last;
    const pending = this.model.pending.get('rate');
    if (!pending || pending.state === 'lost') {
      this.asked = null;
    }
    this.rateNode.classList.toggle('akid-busy', pending !== undefined && pending.state !== 'lost');
    const shown = this.asked ?? now;
    if (shown === undefined || this.dragging) {
      return;
    }
    if (document.activeElement !== this.slider) {
      this.slider.value = String(Math.log10(Math.max(shown, 1e-12)));
    }
    if (document.activeElement !== this.box && !this.wrong) {
      this.box.value = rate(shown);
    }
  }

  private showDragged(): void {
    this.box.value = rate(10 ** Number(this.slider.value));
    this.check();
  }

  private sendTyped(): void {
    const typed = typedRate(this.box.value);
    this.check();
    if (typed !== null) {
      this.slider.value = String(Math.log10(Math.max(typed, 1e-12)));
      this.send(typed);
    }
  }

  private check(): void {
    this.wrong = wrongRate(this.box.value);
    this.box.setAttribute('aria-invalid', String(this.wrong !== ''));
    this.tell();
  }

  private send(value: number): void {
    this.asked = Number(value.toPrecision(3));
    this.model.act('rate', this.asked);
  }

  private drawToggle(next: 'pause' | 'resume'): void {
    if (this.toggle.dataset.next !== next) {
      this.toggle.dataset.next = next;
      this.toggleIcon.replaceChildren(icon(next === 'pause' ? 'pause' : 'play'));
      write(this.toggleWord, next === 'pause' ? 'Pause' : 'Resume');
      this.toggle.title = next === 'pause' ? 'Pause the training (space)' : 'Go on with the training (space)';
    }
  }

  private button(name: string, click: () => void, ...children: HTMLElement[]): HTMLButtonElement {
    const titles: { [name: string]: string } = { 'akid-step': 'Make one step, then pause (s)', 'akid-stop': 'Stop after this step and keep what was learned', 'akid-save': 'Write a checkpoint now (c)' };
    return h('button', { type: 'button', class: `akid-button ${name}`, title: titles[name] ?? null, click }, ...children);
  }
}
