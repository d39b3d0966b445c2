// Places: outputs that hold a picture, over which a widget lays itself. The picture is what is saved, and what is
// seen when there is no kernel.

import type { IView, IWidget } from './kinds';

export class Places {
  private readonly views = new Map<HTMLElement, IView>();
  private readonly watcher = new MutationObserver(() => this.settle());
  private readonly end: () => void;

  constructor(
    private readonly widget: IWidget,
    private readonly key: string
  ) {
    this.end = widget.changed.connect(() => this.begin()); // one that was saved has no kernel, and hears nothing
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
    const view = this.widget.view();
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
