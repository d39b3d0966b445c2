// "Branch from here": beside the step that is pinned, or that a slider shows.

import { beginning, Branching, cell } from '../branching';
import type { DashboardModel } from '../model';
import { h, write } from './dom';

export class BranchButton {
  private readonly button = h('button', { type: 'button', class: 'akid-button akid-plain', click: () => void this.branch() }, 'Branch from here');
  private readonly said = h('span', { class: 'akid-note', role: 'status' });
  readonly node = h('span', { class: 'akid-branching', hidden: true }, this.button, this.said);
  private readonly branching: Branching;
  private readonly end: () => void;
  private step: number | null = null;
  private done = ''; // what became of the last press

  constructor(private readonly model: DashboardModel) {
    this.branching = new Branching((question, asked) => model.ask(question, asked));
    this.end = this.branching.changed.connect(() => this.update(this.step)); // another step may be wanted by now
  }

  dispose(): void {
    this.end();
  }

  /** Offer a branch at this step; none if it is null. */
  update(step: number | null): void {
    if (step !== this.step) {
      [this.step, this.done] = [step, ''];
    }
    this.node.hidden = step === null;
    if (step !== null) {
      void this.branching.follow(step, this.model.run.live);
      this.draw();
    }
  }

  private draw(): void {
    const { origin, error } = this.branching;
    if (this.step === null) {
      return;
    }
    const { said, advice } = origin ? beginning(origin, this.step, this.model.run.name) : { said: error, advice: error };
    this.button.disabled = !origin || origin.step === null;
    this.button.title = advice || 'Put a cell below that makes a child run, which begins there';
    this.said.title = advice;
    write(this.said, this.done || said);
  }

  private async branch(): Promise<void> {
    const { model } = this;
    const text = cell(this.branching.origin!, model.run, model.kid);
    if (model.insertCell(text, this.node)) {
      this.done = 'The cell is below: run it.';
    } else {
      this.done = await navigator.clipboard.writeText(text).then(
        () => 'This page takes no new cell: the line is copied, paste it into one.',
        () => `This page takes no new cell. Write: ${text}`
      );
    }
    this.draw();
  }
}
