import type { Writable } from "node:stream";

export type Paint = (text: string) => string;

/** Colours of the output; every one leaves the text as it is where colours are not wanted. */
export interface Palette {
  good: Paint;
  bad: Paint;
  unsure: Paint;
  strong: Paint;
  faint: Paint;
  name: Paint;
}

const SGR: Record<keyof Palette, [on: number, off: number]> = {
  good: [32, 39],
  bad: [31, 39],
  unsure: [33, 39],
  strong: [1, 22],
  faint: [2, 22],
  name: [36, 39],
};

/** Colours for a stream: on a terminal, unless NO_COLOR is set (no-color.org). */
export function paletteFor(stream: Writable): Palette {
  const isOn = (stream as Writable & { isTTY?: boolean }).isTTY === true && !process.env.NO_COLOR;
  const entries = Object.entries(SGR).map(([name, [on, off]]) => {
    return [name, isOn ? (text: string) => `\u001b[${on}m${text}\u001b[${off}m` : (text: string) => text];
  });
  return Object.fromEntries(entries) as Palette;
}
