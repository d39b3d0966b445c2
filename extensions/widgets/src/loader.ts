// The little that each widget carries: finds the real module, once for the page, and hands over to it.
// It comes from the server's route; where there is none, from the kernel over the comm.

import type { IModel } from './tokens';

interface IModule {
  initialize(at: { model: IModel }): unknown;
  render(at: { model: IModel; el: HTMLElement }): unknown;
}

declare const globalThis: { akidlabModules?: Map<string, Promise<IModule>> };

async function fromServer(version: string): Promise<IModule> {
  const page = JSON.parse(document.getElementById('jupyter-config-data')!.textContent!);
  const base = new URL(page.baseUrl ?? '/', location.href).href.replace(/\/?$/, '/');
  return import(`${base}akidlab/static/widgets.js?v=${version}`);
}

function fromKernel(model: IModel): Promise<IModule> {
  return new Promise(resolve => {
    const hear = ((content: { kind: string }, buffers: DataView[]) => {
      if (content.kind === 'source') {
        model.off('msg:custom', hear);
        const url = URL.createObjectURL(new Blob([buffers[0] as BlobPart], { type: 'text/javascript' }));
        resolve(import(url));
      }
    }) as (...args: never[]) => void;
    model.on('msg:custom', hear);
    model.send({ kind: 'source' });
  });
}

function load(model: IModel): Promise<IModule> {
  const version = model.get('_version') as string;
  const modules = (globalThis.akidlabModules ??= new Map());
  if (!modules.has(version)) {
    modules.set(version, fromServer(version).catch(() => fromKernel(model)));
  }
  return modules.get(version)!;
}

export default {
  async initialize(at: { model: IModel }) {
    return (await load(at.model)).initialize(at);
  },
  async render(at: { model: IModel; el: HTMLElement }) {
    return (await load(at.model)).render(at);
  }
};
