// The dashboard as an anywidget: one model for a run, as many views as there are outputs that show it.

import uplotStyle from 'uplot/dist/uPlot.min.css';
import style from './dashboard.css';
import { Server } from './api';
import { DashboardModel } from './model';
import { Places } from './places';
import type { IModel } from './tokens';
import { DashboardView } from './view/dashboard';

// anywidget hands a new proxy of the model to each call, so the key that the kernel gave it finds it again.
const models = new WeakMap<object, Map<string, DashboardModel>>();

function known(model: IModel): Map<string, DashboardModel> {
  const manager = model.widget_manager ?? globalThis;
  if (!models.has(manager)) {
    models.set(manager, new Map());
  }
  return models.get(manager)!;
}

function dress(): void {
  if (!document.getElementById('akid-dash-style')) {
    const element = document.createElement('style');
    element.id = 'akid-dash-style';
    element.textContent = uplotStyle + style;
    document.head.append(element);
  }
}

export function initialize({ model }: { model: IModel }): () => void {
  const dashboard = new DashboardModel(model, Server.here());
  const key = model.get('_key') as string;
  known(model).set(key, dashboard);
  dress();
  const places = model.get('_placed') ? new Places(dashboard, key) : null;
  return () => {
    places?.dispose();
    dashboard.dispose();
    known(model).delete(key);
  };
}

export function render({ model, el }: { model: IModel; el: HTMLElement }): () => void {
  const view = new DashboardView(known(model).get(model.get('_key') as string)!);
  el.append(view.node);
  return () => {
    view.dispose();
    view.node.remove();
  };
}

export default { initialize, render };
