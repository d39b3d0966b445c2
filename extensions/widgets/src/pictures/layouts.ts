// Layouts: where each filter lies in one image, as akid counts them; the same numbers as `akidlab.atlas.layouts`,
// but long single rows are folded.

import { drawnAs, isColour, type IPicture, type ITold } from './picture';

export type LayoutName = 'dynamic' | 'normal' | 'inverse' | 'square';

export interface ILayout {
  type: LayoutName;
  num: number;
}

/** Where the numbers of a picture lie in its image. */
export interface ISheet {
  rows: number;
  columns: number;
  /** For each pixel the place of its level; -1 for none, -2 for the first bias, -3 for the second, ... */
  places: Int32Array;
  /** The three channels of a filter are red, green and blue of one pixel, whose place is that of its red. */
  colour: boolean;
}

const GAP = 1;

/** Into how many rows and columns `count` filters of a drawn size are put. */
export function grid({ type, num }: ILayout, count: number, height: number, width: number): [rows: number, columns: number] {
  if (count < 1) {
    return [0, 0];
  }
  if (type === 'inverse') {
    const rows = Math.min(num, count);
    return [rows, Math.ceil(count / rows)];
  }
  if (type === 'square') {
    const columns = Math.ceil(Math.sqrt(count));
    return [Math.ceil(count / columns), columns];
  }
  const columns = type === 'normal' ? num : Math.floor(Math.sqrt(Math.floor((count * height) / width)));
  const rows = Math.floor(count / Math.min(Math.max(1, columns), count));
  return [rows, Math.ceil(count / rows)];
}

/** The sheet of a picture: filters in a layout, maps always in the squarest grid. */
export function sheetOf(picture: ITold & Partial<IPicture>, layout: ILayout): ISheet {
  const [items, channels] = picture.shape;
  const [height, width] = drawnAs(picture);
  const numbers = picture.shape[2] * picture.shape[3];
  const colour = isColour(picture);
  const isTiled = layout.type === 'square' || !picture.tag.startsWith('filters/');
  const deep = colour ? 1 : channels;
  const strips = isTiled ? items * deep : items;
  const across = isTiled ? 1 : deep; // tiles of a strip
  const bias = !isTiled && picture.biases ? 1 : 0;
  const gap = isTiled && height * width === 1 ? 0 : GAP;
  const drawn = across * (width + gap) - gap + bias * (gap + 1);
  const [rows, columns] = isTiled ? grid({ type: 'square', num: 1 }, strips, height, width) : grid(layout, strips, height, width * across + bias);
  const sheet: ISheet = {
    rows: rows * (height + gap) - gap,
    columns: columns * (drawn + gap) - gap,
    places: new Int32Array(0),
    colour
  };
  sheet.places = new Int32Array(sheet.rows * sheet.columns).fill(-1);
  for (let strip = 0; strip < strips; strip++) {
    const [row, column] = isTiled ? [Math.floor(strip / columns), strip % columns] : [strip % rows, Math.floor(strip / rows)];
    const [top, left] = [row * (height + gap), column * (drawn + gap)];
    for (let tile = 0; tile < across; tile++) {
      const place = colour ? strip * 3 * numbers : (strip * across + tile) * numbers;
      for (let i = 0; i < numbers; i++) {
        sheet.places[(top + Math.floor(i / width)) * sheet.columns + left + tile * (width + gap) + (i % width)] = place + i;
      }
    }
    if (bias) {
      sheet.places[top * sheet.columns + left + drawn - 1] = -2 - strip;
    }
  }
  return sheet;
}

/** What lies at a pixel, in words: `filter 3, channel 1, row 0, column 2`. */
export function where({ tag, shape, biases }: ITold, place: number): string {
  const [, channels, height, width] = shape;
  if (place < -1) {
    return biases ? `filter ${-2 - place}, its bias` : '';
  }
  const [x, y] = [place % width, Math.floor(place / width) % height];
  const [channel, item] = [Math.floor(place / (width * height)) % channels, Math.floor(place / (width * height * channels))];
  const spot = height * width > 1 ? `, row ${y}, column ${x}` : '';
  return tag.startsWith('filters/') ? `filter ${item}${channels > 1 ? `, channel ${channel}` : ''}${spot}` : `map ${item}${spot}`;
}
