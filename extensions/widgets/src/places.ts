// Places: outputs that hold the picture of a past run, over which its dashboard lays itself. The picture is what
// is saved, and what is seen when there is no kernel.

import type { DashboardModel } from './model';
import { DashboardView } from './view/dashboard';

export class Places {
  private readonly views = new Map<HTMLElement, DashboardView>();
  private readonly watcher = new MutationObserver(() => this.settle());
  private readonly end: () => void;

  constructor(
    private readonly model: DashboardModel,
    private readonly key: string
  ) {
    this.end = model.changed.connect(() => this.begin()); // a model that was saved has no kernel, and hears nothing
  }

  dispose(): void {
    this.end();
    this.watcher.disconnect();
    [...this.views.keys()].forEach(place => this.leave(place));
  }

  private begin(): void {
    this.end();
    this.watcher.observe(document.body, { childList: true, subtree: true });
    this.settle();
  }

  /** Outputs come and go: a page is reloaded, a cell scrolled out of sight, an output shown twice. */
  private settle(): void {
    [...this.views.keys()].filter(place => !place.isConnected).forEach(place => this.leave(place));
    for (const place of document.querySelectorAll<HTMLElement>(`[data-akidlab="${this.key}"]`)) {
      if (!this.views.has(place)) {
        this.enter(place);
      }
    }
  }

  private enter(place: HTMLElement): void {
    const view = new DashboardView(this.model);
    this.views.set(place, view);
    this.show(place, false);
    place.append(view.node);
  }

  private leave(place: HTMLElement): void {
    const view = this.views.get(place)!;
    this.views.delete(place);
    view.dispose();
    view.node.remove();
    this.show(place, true);
  }

  /** Show the picture or not; JupyterLab dresses tables and headings of HTML, ours are dressed already. */
  private show(place: HTMLElement, picture: boolean): void {
    (place.firstElementChild as HTMLElement).style.display = picture ? '' : 'none';
    place.closest('.jp-RenderedHTML')?.classList.toggle('jp-RenderedHTMLCommon', picture);
  }
}
