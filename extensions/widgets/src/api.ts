// The way to the Jupyter server: its address, its token and XSRF cookie as JupyterLab uses them.

import type { ISaid } from './line';
import type { ICommand, IHistory } from './tokens';

interface IPage {
  baseUrl: string;
  token: string;
}

declare global {
  interface Window {
    Plotly?: { newPlot(el: HTMLElement, data: unknown, layout: unknown, config: unknown): Promise<unknown>; purge(el: HTMLElement): void };
  }
}

/** What the page tells about its server; null where no Jupyter server made the page (VS Code, Colab). */
export function page(): IPage | null {
  const text = document.getElementById('jupyter-config-data')?.textContent;
  if (!text) {
    return null;
  }
  const { baseUrl = '/', token = '' } = JSON.parse(text) as Partial<IPage>;
  return { baseUrl: new URL(baseUrl, location.href).href.replace(/\/?$/, '/'), token };
}

/** The server does not know the run. */
export class NotFound extends Error {}

export class Server {
  private constructor(private readonly at: IPage) {}

  static here(): Server | null {
    const at = page();
    return at && new Server(at);
  }

  url(path: string): string {
    return `${this.at.baseUrl}akidlab/${path}`;
  }

  /** Ask the run's process to act; fails with the reason when it does not take the command. */
  async command(uid: string, command: ICommand): Promise<void> {
    const answer = await this.request(`api/runs/${uid}/commands`, { method: 'POST', body: JSON.stringify(command) });
    const said = (await answer.json()) as { ok?: boolean; error?: string; reason?: string; message?: string };
    if (!said.ok) {
      throw new Error(said.error ?? said.reason ?? said.message ?? `The server answered ${answer.status}.`);
    }
  }

  async series(uid: string): Promise<IHistory> {
    return (await this.json(`api/runs/${uid}/series`)) as IHistory;
  }

  /** Ask about a run; fails with the reason when there is no answer, with `NotFound` for a run it does not know. */
  async ask<T>(uid: string, question: string, asked: object): Promise<ISaid<T>> {
    const answer = await this.request(`api/runs/${uid}/questions/${question}`, { method: 'POST', body: JSON.stringify(asked) });
    const said = (await answer.json()) as { content: T; buffers: string[]; reason?: string; message?: string };
    if (!answer.ok) {
      const why = said.reason ?? said.message ?? `The server answered ${answer.status}.`;
      throw answer.status === 404 ? new NotFound(why) : new Error(why);
    }
    return { content: said.content, buffers: said.buffers.map(unpack) };
  }

  /** plotly.js as the server has it, loaded once for the page. */
  async plotly(): Promise<NonNullable<Window['Plotly']>> {
    if (!window.Plotly) {
      await new Promise<void>((loaded, failed) => {
        const script = document.createElement('script');
        script.src = this.url('static/plotly.min.js');
        script.onload = () => loaded();
        script.onerror = () => failed(new Error('The server has no plotly.js.'));
        document.head.append(script);
      });
    }
    return window.Plotly!;
  }

  private async json(path: string): Promise<unknown> {
    const answer = await this.request(path);
    if (!answer.ok) {
      throw new Error(`The server answered ${answer.status} to ${path}.`);
    }
    return answer.json();
  }

  private request(path: string, init: RequestInit = {}): Promise<Response> {
    const headers: { [name: string]: string } = { 'Content-Type': 'application/json' };
    if (this.at.token) {
      headers['Authorization'] = `token ${this.at.token}`;
    }
    const xsrf = /(?:^|;\s*)_xsrf=([^;]*)/.exec(document.cookie);
    if (xsrf) {
      headers['X-XSRFToken'] = decodeURIComponent(xsrf[1]);
    }
    return fetch(this.url(path), { credentials: 'same-origin', cache: 'no-store', ...init, headers });
  }
}

function unpack(base64: string): ArrayBuffer {
  return Uint8Array.from(atob(base64), letter => letter.charCodeAt(0)).buffer;
}
