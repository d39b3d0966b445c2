// Parallel coordinates, drawn by the plotly.js of the installed Python package.

import { h, write } from '../view/dom';
import type { CompareModel } from './model';

interface IFigure {
  data: unknown[];
  layout: { [key: string]: unknown };
}

export class Parallel {
  private readonly note = h('p', { class: 'akid-note', role: 'status' });
  private readonly holder = h('div', { class: 'akid-plotly' });
  readonly node = h('section', { class: 'akid-parallel', 'aria-label': 'Parallel coordinates' }, this.note, this.holder);
  private drawn = '';
  private isOver = false;

  constructor(private readonly model: CompareModel) {}

  /** Draw them, and anew when the table is another one; an axis is dragged to choose, its name to move it. */
  async update(): Promise<void> {
    const state = JSON.stringify(this.model.about?.table ?? null);
    if (state === 'null' || state === this.drawn) {
      return;
    }
    this.drawn = state;
    write(this.note, 'Opening…');
    try {
      if (!this.model.server) {
        throw new Error('No Jupyter server made this page. In a cell, `akidlab.compare(runs).parallel()` shows the same.');
      }
      const [figure, plotly] = await Promise.all([this.model.ask<IFigure>('parallel'), this.model.server.plotly()]);
      if (this.isOver) {
        return; // plotly would listen to the page for ever
      }
      const { data, layout } = figure.content;
      const { color } = getComputedStyle(this.node);
      write(this.note, '');
      const clear = { paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)', font: { ...(layout.font as object), color } };
      const inks = { labelfont: { color, size: 12 }, tickfont: { color, size: 11 } };
      await plotly.newPlot(this.holder, data.map(trace => ({ ...(trace as object), ...inks })), { ...layout, ...clear, autosize: true, width: undefined }, { responsive: true, displaylogo: false });
    } catch (error) {
      this.drawn = '';
      write(this.note, (error as Error).message);
    }
  }

  /** The page became light or dark. */
  redraw(): void {
    if (this.drawn) {
      this.drawn = '';
      void this.update();
    }
  }

  dispose(): void {
    this.isOver = true;
    window.Plotly?.purge(this.holder);
  }
}
