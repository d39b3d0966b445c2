// One picture on a canvas, with a bar that tells its colours; the numbers are shown where one points, or by the keys.

import { tick as short } from '../format';
import { isDark } from '../theme';
import { h, write } from '../view/dom';
import { sheetOf, where, type ILayout, type ISheet } from './layouts';
import { colour, paint, scaleOf } from './paint';
import { nameOf, numberOf, size, type IPicture } from './picture';

export class PictureFigure {
  private readonly canvas = h('canvas', { class: 'akid-pictures-canvas', role: 'img' });
  private readonly bar = h('i', { 'aria-hidden': 'true' });
  private readonly low = h('span');
  private readonly high = h('span');
  private readonly legend = h('div', { class: 'akid-pictures-bar' }, this.low, this.bar, this.high);
  private readonly at = h('p', { class: 'akid-pictures-at', role: 'status' });
  private readonly mark = h('i', { class: 'akid-pictures-mark', hidden: true });
  readonly node: HTMLElement;
  picture: IPicture | null = null;
  private sheet: ISheet | null = null;
  private drawnOf = '';
  private pixel: [x: number, y: number] | null = null;

  /**
   * @param room how wide and how high it may be drawn, in pixels
   * @param isLarge numbers are told where one points, and by the arrow keys
   */
  constructor(
    private readonly room: () => [width: number, height: number],
    private readonly isLarge = false
  ) {
    const frame = h('div', { class: 'akid-pictures-frame' }, this.canvas, this.mark);
    this.node = h('div', { class: 'akid-pictures-figure' }, frame, this.legend, isLarge ? this.at : null);
    if (isLarge) {
      this.canvas.tabIndex = 0;
      this.canvas.dataset.lmSuppressShortcuts = 'true';
      this.canvas.addEventListener('pointermove', event => this.point(event));
      this.canvas.addEventListener('pointerleave', () => this.move(null));
      this.canvas.addEventListener('keydown', event => this.press(event));
    }
  }

  draw(picture: IPicture, layout: ILayout): void {
    const dark = isDark();
    const [width, height] = this.room();
    const state = `${picture.tag} ${picture.step} ${layout.type} ${layout.num} ${dark} ${width} ${height}`;
    if (width <= 0 || (state === this.drawnOf && picture === this.picture)) {
      return;
    }
    [this.drawnOf, this.picture] = [state, picture];
    const scale = scaleOf(picture, dark);
    const sheet = (this.sheet = sheetOf(picture, layout));
    [this.canvas.width, this.canvas.height] = [sheet.columns, sheet.rows];
    const image = new ImageData(sheet.columns, sheet.rows);
    image.data.set(paint(picture, sheet, scale));
    this.canvas.getContext('2d')!.putImageData(image, 0, 0);
    const times = Math.min(width / sheet.columns, height / sheet.rows, this.isLarge ? 48 : 14);
    const whole = times > 3 ? Math.floor(times) : times;
    this.canvas.style.width = `${Math.max(1, sheet.columns * whole)}px`;
    this.canvas.style.height = `${Math.max(1, sheet.rows * whole)}px`;
    write(this.low, scale.low < 0 || !sheet.colour ? short(scale.low) : '');
    write(this.high, short(scale.high));
    const stops = sheet.colour ? ['#000', '#808080', '#fff'] : scale.stops.map((_, i) => `rgb(${colour(scale.stops, i / (scale.stops.length - 1)).join()})`);
    this.bar.style.background = `linear-gradient(90deg, ${stops.join(', ')})`;
    this.canvas.setAttribute('aria-label', `${nameOf(picture.tag)}: ${size(picture)}, from ${short(picture.low)} to ${short(picture.high)}, at step ${picture.step}`);
    this.canvas.dataset.step = String(picture.step);
    this.show();
  }

  private point(event: PointerEvent): void {
    const box = this.canvas.getBoundingClientRect();
    if (this.sheet) {
      this.move([Math.floor(((event.clientX - box.left) / box.width) * this.sheet.columns), Math.floor(((event.clientY - box.top) / box.height) * this.sheet.rows)]);
    }
  }

  private press(event: KeyboardEvent): void {
    const steps: { [key: string]: [number, number] } = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const by = steps[event.key];
    if (by && this.sheet) {
      const [x, y] = this.pixel ?? [-by[0], -by[1]];
      this.move([Math.min(this.sheet.columns - 1, Math.max(0, x + by[0])), Math.min(this.sheet.rows - 1, Math.max(0, y + by[1]))]);
      event.preventDefault();
    }
  }

  private move(pixel: [number, number] | null): void {
    this.pixel = pixel;
    this.show();
  }

  private show(): void {
    const { sheet, picture, pixel } = this;
    const place = sheet && pixel ? sheet.places[pixel[1] * sheet.columns + pixel[0]] : undefined;
    this.mark.hidden = place === undefined;
    if (!sheet || !picture || !pixel || place === undefined) {
      write(this.at, 'Point at a pixel, or use the arrow keys, to see its number.');
      return;
    }
    const side = this.canvas.clientWidth / sheet.columns;
    Object.assign(this.mark.style, { left: `${pixel[0] * side}px`, top: `${pixel[1] * side}px`, width: `${side}px`, height: `${side}px` });
    write(this.at, place === -1 ? '\u00a0' : `${where(picture, place)}: ${this.numberAt(picture, sheet, place)}`);
  }

  private numberAt(picture: IPicture, { colour }: ISheet, place: number): string {
    const told = (value: number) => (Number.isFinite(value) ? value.toPrecision(4) : 'not finite');
    if (place < -1) {
      return told(picture.values![-2 - place]);
    }
    const step = picture.shape[2] * picture.shape[3];
    const places = colour ? [place, place + step, place + 2 * step] : [place];
    return places.map(at => told(numberOf(picture, picture.levels[at]))).join(', ');
  }
}
