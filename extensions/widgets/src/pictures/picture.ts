// A picture: the filters of a layer, or the maps that a block emits, as levels between two numbers.

export const LEVELS = 254; // the level of the greatest number
export const NOTHING = 255; // of what is not finite
const LONG = 64; // numbers of a single row, before it is folded

/** What the kernel says of a picture before its levels. */
export interface ITold {
  tag: string;
  step: number;
  shape: [items: number, channels: number, height: number, width: number];
  low: number;
  high: number;
  biases: boolean;
  /** How many filters, or maps, there are; the picture may have fewer. */
  total: number;
  /** How many channels each has; the picture may have fewer. */
  channels: number;
}

export interface IPicture extends ITold {
  levels: Uint8Array;
  values: Float32Array | null;
}

/** Pictures of what was told of them, and of their levels and biases end to end. */
export function pictures(told: ITold[], [levels, biases]: ArrayBuffer[]): IPicture[] {
  const all = new Uint8Array(levels);
  const values = new Float32Array(biases.slice(0, biases.byteLength - (biases.byteLength % 4)));
  let [from, at] = [0, 0];
  return told.map(one => {
    const size = one.shape.reduce((product, side) => product * side, 1);
    const picture = { ...one, levels: all.subarray(from, from + size), values: one.biases ? values.subarray(at, at + one.shape[0]) : null };
    from += size;
    at += one.biases ? one.shape[0] : 0;
    return picture;
  });
}

/** The number that a level stands for; NaN for what was not finite. */
export function numberOf(picture: ITold, level: number): number {
  return level === NOTHING ? NaN : picture.low + ((picture.high - picture.low) * level) / LEVELS;
}

/** The name of what it is of: `conv1`. */
export function nameOf(tag: string): string {
  return tag.slice(tag.indexOf('/') + 1);
}

/** Filters of three channels that see a map: of red, green and blue. */
export function isColour({ tag, shape }: ITold): boolean {
  return tag.startsWith('filters/') && shape[1] === 3 && Math.min(shape[2], shape[3]) > 1;
}

/** How high and wide one is drawn: a long single row of weights is folded, 1×512 to 16×32, or it would be a hair. */
export function drawnAs({ tag, shape: [, , height, width] }: ITold): [height: number, width: number] {
  if (height > 1 || width <= LONG || !tag.startsWith('filters/')) {
    return [height, width];
  }
  const side = Math.ceil(Math.sqrt(width));
  const even = Array.from({ length: side + 1 }, (_, i) => side + i).find(across => width % across === 0);
  const across = even ?? side;
  return [Math.ceil(width / across), across];
}

/** In a few words: `32 filters, 5×5`. */
export function size(told: ITold): string {
  const { tag, shape, total, channels } = told;
  const [items, shown, height, width] = shape;
  const what = tag.startsWith('filters/') ? 'filters' : 'maps';
  if (tag === 'maps/system_in') {
    return `the sample, ${height}×${width}`;
  }
  if (what === 'maps' && height * width === 1) {
    return items < total ? `${items} of ${total} numbers` : `${items} numbers`;
  }
  const many = items < total ? `${items} of ${total} ${what}` : `${items} ${what}`;
  const deep = channels > 1 ? `${shown < channels ? `${shown} of ` : ''}${channels} × ` : '';
  const [rows, across] = drawnAs(told);
  const folded = rows === height ? '' : ` folded to ${rows}×${across}`;
  return `${many}, ${deep}${height}×${width}${folded}`;
}
