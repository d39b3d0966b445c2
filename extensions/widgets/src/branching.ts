// Branching from a step: the checkpoint that a child run begins at, and the cell that makes it.

import { count } from './format';
import type { Ask } from './others';
import { Signal } from './signal';
import type { IRun } from './tokens';

const PACE = 2000; // ms between two looks at the checkpoints of a run that lives: old ones are thinned
const MORE = 100; // steps, where the run had made all of its own

/** The newest checkpoint that is no later than a step: of which run, and of which step; null if there is none. */
export interface IOrigin {
  run: string | null;
  step: number | null;
  /** The first one of the run. */
  first: number | null;
}

export class Branching {
  readonly changed = new Signal();
  origin: IOrigin | null = null;
  /** Why nothing is known. */
  error = '';
  private step: number | null = null;
  private askedAt = -Infinity;
  private isAsked = false;

  constructor(private readonly ask: Ask) {}

  /** Look from where a branch at `step` would begin: at once if that is another step, else at a steady pace. */
  async follow(step: number, isLive: boolean): Promise<void> {
    if (step !== this.step) {
      [this.step, this.origin, this.error, this.askedAt] = [step, null, '', -Infinity];
    }
    const isNews = this.origin === null || isLive;
    if (this.isAsked || !isNews || performance.now() - this.askedAt < PACE) {
      return;
    }
    this.isAsked = true;
    this.askedAt = performance.now();
    try {
      const { content } = await this.ask<IOrigin>('checkpoints', { step });
      if (step === this.step) {
        [this.origin, this.error] = [content, ''];
      }
    } catch (error) {
      this.error = (error as Error).message;
    }
    this.isAsked = false;
    this.changed.emit();
  }
}

/** Where it would begin, in words; or why it cannot, and what to do. */
export function beginning(origin: IOrigin, step: number, own: string): { said: string; advice: string } {
  if (origin.step !== null) {
    const of = origin.run === own ? '' : ` of ${origin.run}`;
    return { said: `from the checkpoint of step ${count(origin.step)}${of}`, advice: '' };
  }
  const first = origin.first === null ? 'The run has none yet' : `The first one is of step ${count(origin.first)}`;
  return {
    said: `no checkpoint at step ${count(step)} or before`,
    advice: `A branch begins at a checkpoint. ${first}. A run writes one every val_log_step steps and at its end; Checkpoint (c), or kid.save(), writes one of the step that it is at. --keep 20 keeps more of those that are written, it makes none.`
  };
}

/**
 * The cell that makes the child.
 *
 * @param origin where it begins
 * @param run the run that is looked at
 * @param kid the variable of its kid, if the notebook has it
 */
export function cell(origin: IOrigin, run: Pick<IRun, 'name' | 'live' | 'max_steps'>, kid: string | null): string {
  const at = origin.step!;
  const name = `${origin.run}-from-${at}`;
  const more = run.max_steps !== null && at >= run.max_steps ? ` --steps ${MORE}` : '';
  if (kid && run.live && origin.run === run.name) {
    return `branch = ${kid}.branch(${at}, ${JSON.stringify(name)})  # ${kid} may still train: this is a copy\n%akid_train branch${more}`;
  }
  const line = `%akid_train ${kid ? `${kid} ` : ''}--from ${quote(`${origin.run}@${at}`)} --name ${quote(name)}${more}`;
  return kid ? line : `# Needs a kid such as ${origin.run} was made with: write its variable after %akid_train, if it is not kid.\n${line}`;
}

/** As a shell reads it. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}
