// Colours: which one a level has. Numbers of both signs part at zero; those of one sign begin there.

import type { ISheet } from './layouts';
import { LEVELS, NOTHING, type IPicture } from './picture';

const PARTING = ['#053061', '#2166ac', '#4393c3', '#92c5de', '#f7f7f7', '#f4a582', '#d6604d', '#b2182b', '#67001f'];
const PARTING_DARK = ['#9fd3ff', '#4fa3e8', '#2b6cb0', '#1f3f63', '#191b1f', '#5f2b2a', '#b3423c', '#f0786a', '#ffc2b5'];
const RISING = ['#440154', '#472d7b', '#3b528b', '#2c728e', '#21918c', '#28ae80', '#5ec962', '#addc30', '#fde725'];
const GREY = ['#000000', '#ffffff'];
const TOP = 0.995; // of what begins at zero lie below the top
const MANY = 500; // numbers, before one peak is cut

export interface IScale {
  /** From which number to which colours reach. */
  low: number;
  high: number;
  stops: string[];
}

export function scaleOf(picture: IPicture, dark: boolean): IScale {
  const { low, high, tag } = picture;
  if (tag === 'maps/system_in') {
    return { low, high: high > low ? high : low + 1, stops: GREY };
  }
  if (low < 0) {
    const most = Math.max(-low, high);
    return { low: -most, high: most, stops: dark ? PARTING_DARK : PARTING };
  }
  return { low: 0, high: top(picture) || 1, stops: RISING };
}

function top({ levels, low, high }: IPicture): number {
  if (levels.length <= MANY) {
    return high;
  }
  const counts = new Uint32Array(256);
  levels.forEach(level => counts[level]++);
  let left = (levels.length - counts[NOTHING]) * (1 - TOP);
  for (let level = LEVELS; level > 0; level--) {
    left -= counts[level];
    if (left < 0) {
      return (low + ((high - low) * level) / LEVELS) || high;
    }
  }
  return high;
}

/** Red, green and blue between colours: `share` is 0 for the first of them, 1 for the last. */
export function colour(stops: string[], share: number): [number, number, number] {
  const at = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const index = Math.min(stops.length - 2, Math.floor(at));
  const [from, to] = [rgb(stops[index]), rgb(stops[index + 1])];
  return from.map((start, i) => Math.round(start + (to[i] - start) * (at - index))) as [number, number, number];
}

function rgb(hex: string): number[] {
  return [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16));
}

/** A veil to lay over an image: red where a number is above zero, blue below, the thicker the larger it is. */
export function veil({ levels, low, high }: IPicture): Uint8ClampedArray {
  const most = Math.max(Math.abs(low), Math.abs(high)) || 1;
  const pixels = new Uint8ClampedArray(levels.length * 4);
  levels.forEach((level, at) => {
    const share = level === NOTHING ? 0 : (low + ((high - low) * level) / LEVELS) / most;
    pixels.set([...(share >= 0 ? [255, 60, 40] : [40, 130, 255]), 255 * 0.85 * Math.abs(share)], at * 4);
  });
  return pixels;
}

/** The image of a sheet, four bytes a pixel; clear where nothing is. */
export function paint(picture: IPicture, sheet: ISheet, scale: IScale): Uint8ClampedArray {
  const pixels = new Uint8ClampedArray(sheet.places.length * 4);
  const share = (value: number) => (value - scale.low) / (scale.high - scale.low || 1);
  const table = new Uint8Array(256 * 3);
  for (let level = 0; level <= LEVELS; level++) {
    table.set(colour(scale.stops, share(picture.low + ((picture.high - picture.low) * level) / LEVELS)), level * 3);
  }
  const [, , height, width] = picture.shape;
  const most = Math.max(Math.abs(picture.low), Math.abs(picture.high)) || 1;
  const fade = (level: number) => 127.5 + (127.5 * (picture.low + ((picture.high - picture.low) * level) / LEVELS)) / most;
  sheet.places.forEach((place, at) => {
    if (place === -1) {
      return;
    }
    const level = place >= 0 ? picture.levels[place] : 0;
    if (place < -1) {
      const value = picture.values![-2 - place];
      if (Number.isFinite(value)) {
        const shade = 127.5 + (127.5 * value) / most;
        pixels.set(sheet.colour ? [shade, shade, shade, 255] : [...colour(scale.stops, share(value)), 255], at * 4);
      }
    } else if (level !== NOTHING && sheet.colour) {
      const step = height * width;
      pixels.set([fade(level), fade(picture.levels[place + step]), fade(picture.levels[place + 2 * step]), 255], at * 4);
    } else if (level !== NOTHING) {
      pixels.set([table[level * 3], table[level * 3 + 1], table[level * 3 + 2], 255], at * 4);
    }
  });
  return pixels;
}
