/** Values that are JSON without saying so: an object or array, whose structure is shown. */
import { Cut, cutTextOf, Json, textOf, type Value } from "./value";

const OPENS = /^\s*[[{]/;

/** A value with its structure where it is a JSON object or array, as far as it was kept; else as it is. */
export function structured(value: Value): Value {
  if (value instanceof Uint8Array) {
    const text = textOf(value);
    return text !== undefined && OPENS.test(text) && isJson(text) ? new Json(inOneLine(text), false) : value;
  }
  if (!(value instanceof Cut) || typeof value.start === "string") return value;
  const text = cutTextOf(value.start);
  if (text === undefined || !OPENS.test(text)) return value;
  const { end, closing } = lastWhole(text);
  const start = text.slice(0, end);
  return isJson(start + closing) ? new Json(inOneLine(start), true) : value;
}

/** Up to where nothing in a text is cut, and what would close it there: behind a bracket that opens, or before a comma. */
function lastWhole(text: string): { end: number; closing: string } {
  let end = 0;
  for (const { at, letter } of structureOf(text)) {
    if (letter === ",") end = at;
    else if (letter === "{" || letter === "[") end = at + 1;
  }
  const open: string[] = [];
  for (const { letter } of structureOf(text.slice(0, end))) {
    if (letter === "{" || letter === "[") open.push(letter === "{" ? "}" : "]");
    else if (letter !== ",") open.pop();
  }
  return { end, closing: open.reverse().join("") };
}

/** Brackets and commas of a text, but those in strings. */
function* structureOf(text: string): Generator<{ at: number; letter: string }> {
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at]!;
    if (letter === '"') isInString = !isInString;
    else if (isInString) at += letter === "\\" ? 1 : 0;
    else if ("{}[],".includes(letter)) yield { at, letter };
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** In JSON no line ends inside a string. */
function inOneLine(text: string): string {
  return text.trim().replace(/[\r\n]\s*/g, "");
}
