// What is known of the chosen block, and what can be set of it.

import { emits, told, type IEdge, type IGraph, type INode } from '../graph/graph';
import { count } from '../format';
import { h, prose, write } from '../view/dom';
import type { IOption } from './state';
import type { BuilderWidget } from './widget';

const PAUSE = 250; // ms after the last letter until what was typed is checked

interface IField {
  option: IOption;
  input: HTMLInputElement | HTMLSelectElement;
  error: HTMLElement;
  row: HTMLElement;
}

export interface IInspectorHooks {
  lead(source: string): void;
  cut(edge: IEdge): void;
  remove(id: string): void;
  rename(id: string, name: string): void;
  choose(id: string): void;
}

let inspectors = 0;

export class Inspector {
  private readonly key = `akid-form-${++inspectors}`;
  private readonly body = h('div', {});
  readonly node = h('aside', { class: 'akid-inspector', 'aria-label': 'The chosen block' }, this.body);
  private id: string | null = null;
  private kind = '';
  private fields: IField[] = [];
  private readonly wrong = h('p', { class: 'akid-wrong-here', role: 'alert', hidden: true });
  private readonly facts = h('div', {});
  private readonly form = h('form', { class: 'akid-form', submit: (event: Event) => event.preventDefault() });
  private name: HTMLInputElement | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private version = 0;
  private isGoingOn = false;

  constructor(
    private readonly widget: BuilderWidget,
    private readonly hooks: IInspectorHooks
  ) {}

  dispose(): void {
    clearTimeout(this.timer);
    this.version++;
  }

  /** Show a block as it is now; `ready` is called once its form is there. */
  show(graph: IGraph, node: INode | null, error: string, ready: () => void = () => {}): void {
    const version = ++this.version;
    if (!node) {
      this.id = null;
      this.body.replaceChildren(h('h3', {}, graph.name), h('p', { class: 'akid-note' }, 'Choose a block to set what it is made with. Keys: ', h('kbd', {}, 'a'), ' add, ', h('kbd', {}, 'c'), ' lead to another, ', h('kbd', {}, 'F2'), ' rename, ', h('kbd', {}, 'Delete'), ' remove, ', h('kbd', {}, 'Ctrl+Z'), ' undo.'));
      return;
    }
    const isNew = node.id !== this.id || node.kind !== this.kind;
    this.id = node.id;
    this.kind = node.kind;
    if (isNew) {
      this.fields = [];
      this.form.replaceChildren();
      this.body.replaceChildren(this.head(node), this.wrong, this.form, this.facts);
    }
    write(this.wrong, error);
    this.wrong.hidden = !error;
    this.tell(graph, node);
    if (node.role === 'input') {
      ready();
      return;
    }
    this.widget.form(node.id).then(
      options => {
        if (version === this.version) {
          this.fill(options);
          if (this.isGoingOn) {
            this.isGoingOn = false;
            this.wants();
          }
          ready();
        }
      },
      () => {}
    );
  }

  /** Go to the first field that wants something; false if none does. */
  wants(): boolean {
    const field = this.fields.find(({ option }) => option.error || (option.required && !option.text)) ?? (this.wrong.hidden ? undefined : this.fields.find(({ option }) => this.wrong.textContent!.includes(`\`${option.name}\``) && !option.text));
    field?.input.focus();
    return field !== undefined;
  }

  rename(): void {
    this.name?.focus();
    this.name?.select();
  }

  private head(node: INode): HTMLElement {
    const { id } = node;
    if (node.role === 'input') {
      this.name = null;
      return h('header', {}, h('h3', {}, node.name), this.button('Lead to …', 'c', () => this.hooks.lead(id)));
    }
    this.name = h('input', {
      class: 'akid-name-field', value: node.name, spellcheck: 'false', 'aria-label': 'Name of the block',
      change: () => this.name && this.name.value.trim() !== node.name && this.hooks.rename(id, this.name.value.trim())
    });
    return h(
      'header',
      {},
      this.name,
      h('p', {}, h('b', {}, node.kind), node.doc ? ': ' : '', ...prose(node.doc)),
      h('div', { class: 'akid-acts' }, this.button('Lead to …', 'c', () => this.hooks.lead(id)), this.button('Remove', 'Delete', () => this.hooks.remove(id)))
    );
  }

  private button(text: string, key: string, click: () => void): HTMLElement {
    return h('button', { type: 'button', class: 'akid-button akid-plain', title: `${text.replace(' …', '')} (${key})`, click }, text);
  }

  private fill(options: IOption[]): void {
    if (options.map(option => option.name).join() !== this.fields.map(({ option }) => option.name).join()) {
      this.fields = options.map(option => this.field(option));
      const common = this.fields.filter(({ option }) => option.common).map(({ row }) => row);
      const own = this.fields.filter(({ option }) => !option.common).map(({ row }) => row);
      this.form.replaceChildren(...own, ...(common.length ? [h('details', {}, h('summary', {}, 'What every block takes'), ...common)] : []));
    }
    options.forEach((option, at) => {
      const field = this.fields[at];
      field.option = option;
      if (document.activeElement !== field.input || !this.isTyping(field)) {
        field.input.value = option.text;
      }
      this.complain(field, option.error);
    });
  }

  private isTyping({ input, option }: IField): boolean {
    return input.value !== option.text && input.dataset.sent !== input.value;
  }

  private field(option: IOption): IField {
    const id = `${this.key}-${option.name}`;
    const told = { id, 'aria-describedby': `${id}-error`, title: `${option.help}${option.help ? '\n' : ''}${option.type}`, change: () => this.send(field) };
    const closed = option.choices.length > 0 && (option.type === 'bool' || option.type === 'str');
    const input = closed
      ? h('select', told, h('option', { value: '' }, option.default || 'choose'), ...option.choices.filter(choice => choice !== option.default).map(choice => h('option', { value: choice }, choice)))
      : h('input', { ...told, type: 'text', spellcheck: 'false', autocomplete: 'off', placeholder: option.required ? 'needed' : option.default, list: option.choices.length ? `${id}-choices` : null, input: () => this.later(field), keydown: (event: KeyboardEvent) => void (this.isGoingOn = event.key === 'Enter') });
    const error = h('p', { class: 'akid-field-error', id: `${id}-error`, hidden: true });
    const choices = !closed && option.choices.length ? h('datalist', { id: `${id}-choices` }, ...option.choices.map(value => h('option', { value }))) : null;
    const row = h('div', { class: 'akid-field' }, h('label', { for: id, title: option.help }, option.name, option.required ? h('i', { title: 'It has to be given' }, ' *') : null), input, choices, error);
    const field: IField = { option, input, error, row };
    return field;
  }

  private complain({ input, error }: IField, text: string): void {
    write(error, text);
    error.hidden = !text;
    input.setAttribute('aria-invalid', String(!!text));
  }

  private later(field: IField): void {
    clearTimeout(this.timer);
    const { id } = this;
    this.timer = setTimeout(async () => {
      const text = field.input.value;
      const error = await this.widget.check(id!, field.option.name, text);
      if (this.id === id && field.input.value === text) {
        // Others that are still to be filled in are no fault of this one.
        this.complain(field, error.includes(`\`${field.option.name}\``) && !error.includes(' needs ') ? error : '');
      }
    }, PAUSE);
  }

  private send(field: IField): void {
    clearTimeout(this.timer);
    field.input.dataset.sent = field.input.value;
    void this.widget.do('set', { path: this.id, [field.option.name]: field.input.value });
  }

  private tell(graph: IGraph, node: INode): void {
    const edges = graph.edges.filter(edge => edge.target === node.id);
    const readers = graph.edges.filter(edge => edge.source === node.id);
    this.facts.replaceChildren(
      h(
        'dl',
        {},
        ...this.row('reads', edges.map(edge => this.wire(edge, edge.source))),
        ...this.row('emits', node.shape ? [emits(node)] : []),
        ...this.row('read by', readers.map(edge => this.wire(edge, edge.target))),
        ...this.row('parameters', node.parameters ? [count(node.parameters)] : [])
      )
    );
  }

  private row(name: string, told: (string | Node)[]): Node[] {
    return told.length ? [h('dt', {}, name), h('dd', {}, ...told)] : [];
  }

  private wire(edge: IEdge, end: string): HTMLElement {
    const name = end.split('.').at(-1)!;
    return h(
      'div',
      {},
      h('button', { type: 'button', class: 'akid-link', click: () => this.hooks.choose(end) }, name),
      ` ${edge.shape ? told(edge.shape) : ''}${edge.output ? ` [${edge.output}]` : ''}${edge.delay ? ' one step ago' : ''} `,
      edge.source.includes('_constant') ? null : h('button', { type: 'button', class: 'akid-link', 'aria-label': `Cut the wire ${end === edge.source ? 'from' : 'to'} ${name}`, title: 'Cut this wire', click: () => this.hooks.cut(edge) }, '✕')
    );
  }
}
