// One distribution, small: a click or Enter shows it large.

import { title } from '../format';
import { h, write } from '../view/dom';
import type { Bands } from './bands';
import { BandsChart, type IBandsHost } from './chart';
import { describe, keyOf, looks, range, short, topicOf } from './said';

export class Card {
  private readonly chart: BandsChart;
  private readonly at = h('span', { class: 'akid-at', title: 'Minimum, median and maximum' });
  readonly node: HTMLElement;
  private bands: Bands | undefined;

  constructor(
    readonly tag: string,
    host: IBandsHost,
    open: () => void
  ) {
    this.chart = new BandsChart(host, false);
    this.node = h(
      'div',
      {
        class: 'akid-panel akid-bands-card', tabindex: 0, role: 'button', 'data-tag': tag, click: open,
        keydown: (event: KeyboardEvent) => {
          if (event.key === 'Enter' || event.key === ' ') {
            open();
            event.preventDefault();
          }
        }
      },
      h('header', {}, h('h4', { title: tag }, keyOf(tag)), h('span', { class: 'akid-bands-topic' }, title(topicOf(tag))), this.at),
      this.chart.node
    );
    this.node.setAttribute('aria-label', describe(tag, undefined));
  }

  draw(bands: Bands | undefined): void {
    this.bands = bands;
    if (bands) {
      this.chart.draw(bands);
      this.node.dataset.points = String(bands.length);
      this.node.dataset.lastStep = String(bands.lastStep ?? 0);
      this.node.setAttribute('aria-label', describe(this.tag, bands));
      this.node.title = `${this.tag}: ${looks(bands)}`;
    }
    this.mark(null);
  }

  /** It was scrolled out of sight. */
  rest(): void {
    this.chart.free();
  }

  mark(step: number | null): void {
    const { bands } = this;
    const index = bands && (step === null ? (bands.length ? bands.length - 1 : null) : bands.nearest(step));
    this.chart.mark(index != null && step !== null ? bands!.steps[index] : null);
    write(this.at, range(bands, index ?? null, short));
  }
}
