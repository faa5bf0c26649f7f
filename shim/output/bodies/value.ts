/** What protocols carry, as values, and their text: as JSON writes them, with what they say hidden unless asked for. */

import { hiddenJson } from "../hidden-literals";

export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Shown
  | Cut
  | Json
  | readonly Value[]
  | Members
  | Words;

/** A word that says nothing of its user, such as a command's name: it is never hidden. */
export class Shown {
  constructor(readonly text: string) {}
}

/** What was not kept to its end; `start` is what there is of it. */
export class Cut {
  constructor(readonly start: Uint8Array | string = "") {}
}

/** A text that is JSON, in one line; `isCut` where more followed. */
export class Json {
  constructor(
    readonly text: string,
    readonly isCut: boolean,
  ) {}
}

/** Names and their values, in the order in which they came; a name may come twice, and is not hidden where it is a text. */
export class Members {
  constructor(readonly pairs: readonly (readonly [name: Value, value: Value])[]) {}
}

/** Values with blanks between them, as on a command's line. */
export class Words {
  constructor(readonly values: readonly Value[]) {}
}

const REST = "…";
/** What no text has. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const NO_TEXT = /[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]/;
const utf8 = new TextDecoder("utf-8", { fatal: true });
const cutUtf8 = new TextDecoder("utf-8", { fatal: true });

/** The text of a value: as it is where `raw`, else with texts as `"?"` and numbers as `?`. */
export function valueText(value: Value, raw: boolean): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (value instanceof Shown) return value.text;
  if (value instanceof Words) return value.values.map((one) => valueText(one, raw)).join(" ");
  if (value instanceof Members) return `{${value.pairs.map((pair) => pairText(pair, raw)).join(",")}}`;
  if (value instanceof Json) return (raw ? value.text : hiddenJson(value.text)) + (value.isCut ? REST : "");
  if (value instanceof Cut) return cutText(value.start, raw);
  if (value instanceof Uint8Array) return raw ? JSON.stringify(textOf(value) ?? base64(value)) : '"?"';
  if (typeof value === "string") return raw ? JSON.stringify(value) : '"?"';
  if (typeof value === "object") return `[${value.map((one) => valueText(one, raw)).join(",")}]`;
  return raw ? String(value) : "?";
}

function pairText([name, value]: readonly [name: Value, value: Value], raw: boolean): string {
  if (name instanceof Cut && name.start.length === 0) return REST;
  return `${nameText(name, raw)}:${valueText(value, raw)}`;
}

function nameText(name: Value, raw: boolean): string {
  return typeof name === "string" ? JSON.stringify(name) : valueText(name, raw);
}

function cutText(start: Uint8Array | string, raw: boolean): string {
  if (start.length === 0) return REST;
  if (!raw) return `"?${REST}"`;
  const text = typeof start === "string" ? start : (cutTextOf(start) ?? base64(start));
  return JSON.stringify(text + REST);
}

/** The text that bytes are; undefined where they are none. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = utf8.decode(bytes);
    return NO_TEXT.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** The same of bytes that may end inside a character. */
export function cutTextOf(bytes: Uint8Array): string | undefined {
  try {
    const text = cutUtf8.decode(bytes, { stream: true });
    return NO_TEXT.test(text) ? undefined : text;
  } catch {
    return undefined;
  } finally {
    // What it holds of a character goes.
    try {
      cutUtf8.decode();
    } catch {}
  }
}

function base64(bytes: Uint8Array): string {
  return `base64:${Buffer.from(bytes).toString("base64")}`;
}
