// Elements in one line, and the icons.

type Child = Node | string | null;
type Attributes = { [name: string]: string | number | boolean | null | ((event: never) => void) };

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') {
      element.addEventListener(name, value as EventListener);
    } else if (value !== null && value !== false) {
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
  element.append(...children.filter((child): child is Node | string => child !== null));
  if (element.matches('button, input, select, summary, [tabindex]')) {
    element.dataset.lmSuppressShortcuts = 'true'; // or JupyterLab takes the keys that are meant for us
  }
  return element;
}

const PATHS = {
  pause: '<path d="M5 3h2.5v10H5zM8.5 3H11v10H8.5z"/>',
  play: '<path d="M5 3l8 5-8 5z"/>',
  step: '<path d="M4 3l6.5 5L4 13zM11 3h1.6v10H11z"/>',
  stop: '<path d="M4 4h8v8H4z"/>',
  table: '<path d="M2 3h12v10H2zm1.2 1.2v2h4.2v-2zm5.4 0v2h4.2v-2zM3.2 7.4v1.8h4.2V7.4zm5.4 0v1.8h4.2V7.4zm-5.4 3v1.4h4.2v-1.4zm5.4 0v1.4h4.2v-1.4z" fill-rule="evenodd"/>',
  chart: '<path d="M2 2h1.2v10.8H14V14H2zm2.6 8.2L7.4 6l2.4 2.2L13 3.6l.9.7-3.9 5.6-2.4-2.2-2.1 3.2z"/>',
  unfold: '<path d="M5.6 3.2l4.9 4.8-4.9 4.8-.9-.9L8.7 8 4.7 4.1z"/>',
  timeline: '<path d="M2 3h7v2.4H2zM6 6.8h8v2.4H6zM3.5 10.6h6V13h-6z"/>',
  large: '<path d="M9 2h5v5h-1.3V4.2l-3.5 3.5-.9-.9 3.5-3.5H9zM2 9h1.3v2.8l3.5-3.5.9.9-3.5 3.5H7V14H2z"/>',
  note: '<path d="M11.3 2.3l2.4 2.4-7.6 7.6-3.1.7.7-3.1z"/>',
  save: '<path d="M7.4 2h1.2v6.2l2.2-2.2.9.9L8 10.6 4.3 6.9l.9-.9 2.2 2.2zM3 12h10v1.3H3z"/>'
};

export function icon(name: keyof typeof PATHS): HTMLElement {
  const holder = h('span', { class: 'akid-icon', 'aria-hidden': 'true' });
  holder.innerHTML = `<svg viewBox="0 0 16 16" fill="currentColor">${PATHS[name]}</svg>`;
  return holder;
}

/** Write only what changed: the page does no work, and a screen reader says nothing, twice. */
export function write(element: HTMLElement, text: string): void {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

/** A text for people in which `backticks` set off names of code. */
export function prose(text: string): (Node | string)[] {
  const parts = text.split('`');
  if (parts.length % 2 === 0) {
    return [text]; // one of them has no other half
  }
  return parts.map((part, i) => (i % 2 ? h('code', { class: 'akid-code' }, part) : part)).filter(part => part !== '');
}
