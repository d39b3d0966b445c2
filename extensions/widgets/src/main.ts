// The widgets as one anywidget module: the kernel names the kind.

import uplotStyle from 'uplot/dist/uPlot.min.css';
import bands from './bands/bands.css';
import builder from './builder/builder.css';
import { BuilderWidget } from './builder/widget';
import style from './dashboard.css';
import graphs from './graph/graph.css';
import { GraphWidget } from './graph/widget';
import compared from './compare/compare.css';
import { CompareModel } from './compare/model';
import { CompareView } from './compare/view';
import { Server } from './api';
import type { IWidget, Kind } from './kinds';
import { Line } from './line';
import { DashboardModel } from './model';
import { ExplorerWidget } from './pictures/explorer';
import pictures from './pictures/pictures.css';
import { Places } from './places';
import type { IModel } from './tokens';
import { DashboardView } from './view/dashboard';

const KINDS: { [kind: string]: Kind } = {
  builder: line => new BuilderWidget(line),
  compare: line => new CompareModel(line, Server.here(), model => new CompareView(model)),
  dashboard: line => {
    const model = new DashboardModel(line, Server.here());
    return { changed: model.changed, view: () => new DashboardView(model), dispose: () => model.dispose() };
  },
  explorer: line => new ExplorerWidget(line),
  graph: line => new GraphWidget(line)
};

// anywidget hands a new proxy of the model to each call, so the key that the kernel gave it finds it again.
const widgets = new WeakMap<object, Map<string, IWidget>>();

function known(model: IModel): Map<string, IWidget> {
  const manager = model.widget_manager ?? globalThis;
  if (!widgets.has(manager)) {
    widgets.set(manager, new Map());
  }
  return widgets.get(manager)!;
}

function dress(): void {
  if (!document.getElementById('akid-style')) {
    const element = document.createElement('style');
    element.id = 'akid-style';
    element.textContent = uplotStyle + style + bands + compared + graphs + pictures + builder;
    document.head.append(element);
  }
}

export function initialize({ model }: { model: IModel }): () => void {
  const line = new Line(model);
  const widget = KINDS[model.get('_kind') as string](line);
  const key = model.get('_key') as string;
  known(model).set(key, widget);
  dress();
  let places: Places | null = null;
  const place = () => {
    places ??= model.get('_placed') ? new Places(widget, key) : null;
  };
  place();
  model.on('change:_placed', place); // a run has ended: its output becomes a picture
  return () => {
    model.off('change:_placed', place);
    places?.dispose();
    widget.dispose();
    line.dispose();
    known(model).delete(key);
  };
}

export function render({ model, el }: { model: IModel; el: HTMLElement }): () => void {
  const view = known(model).get(model.get('_key') as string)!.view();
  el.append(view.node);
  return () => {
    view.dispose();
    view.node.remove();
  };
}

export default { initialize, render };
