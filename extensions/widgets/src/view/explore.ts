// The same run as a plotly figure, opened in place: to zoom, pick and save a picture.

import type { DashboardModel } from '../model';
import { Signal } from '../signal';
import { h, write } from './dom';

interface IFigure {
  data: unknown[];
  layout: { [key: string]: unknown };
}

export class Explore {
  readonly closed = new Signal();
  private readonly note = h('p', { class: 'akid-note', role: 'status' });
  private readonly holder = h('div', { class: 'akid-plotly' });
  readonly node = h('section', { class: 'akid-explore', hidden: true, 'aria-label': 'Plotly figure' }, this.note, this.holder);

  constructor(private readonly model: DashboardModel) {}

  get isOpen(): boolean {
    return !this.node.hidden;
  }

  async open(): Promise<void> {
    this.node.hidden = false;
    write(this.note, 'Opening…');
    try {
      if (!this.model.server) {
        throw new Error('No Jupyter server made this page. In a cell, `run.figure("loss")` shows the same figure.');
      }
      const [figure, plotly] = await Promise.all([this.model.ask<IFigure>('figure'), this.model.server.plotly()]);
      if (!this.isOpen) {
        return; // plotly would listen to the page for ever
      }
      const { data, layout } = figure.content;
      const color = getComputedStyle(this.node).color;
      const clear = { paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)', font: { ...(layout.font as object), color } };
      write(this.note, '');
      await plotly.newPlot(this.holder, data, { ...layout, ...clear, title: undefined, margin: { ...(layout.margin as object), t: 36 }, autosize: true, width: undefined }, { responsive: true, displaylogo: false });
    } catch (error) {
      write(this.note, (error as Error).message);
    }
  }

  close(): void {
    this.node.hidden = true;
    window.Plotly?.purge(this.holder);
    this.closed.emit();
  }
}
