// Light or dark, as the page around is, and told again when that changes.

import { Signal } from './signal';

export const themeChanged = new Signal();

export function isDark(): boolean {
  const { jpThemeLight } = document.body.dataset;
  if (jpThemeLight) {
    return jpThemeLight === 'false';
  }
  if (document.body.classList.contains('vscode-dark') || document.body.classList.contains('vscode-high-contrast')) {
    return true;
  }
  return !document.body.classList.contains('vscode-light') && matchMedia('(prefers-color-scheme: dark)').matches;
}

let watching = false;

/** Begin to watch the page; once is enough. */
export function watchTheme(): void {
  if (watching) {
    return;
  }
  watching = true;
  const tell = () => {
    themeChanged.emit();
    setTimeout(() => themeChanged.emit(), 300); // JupyterLab names the theme before its style sheet has come
  };
  new MutationObserver(tell).observe(document.body, {
    attributes: true,
    attributeFilter: ['data-jp-theme-light', 'data-jp-theme-name', 'class']
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', tell);
}
