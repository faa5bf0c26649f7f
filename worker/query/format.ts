/** The forms of an answer: JSON with all that is to be said about it, and bare rows for tables and streams. */
import type { FlatRow } from "./flatten";

/** What there is to format: rows, and what is to be said about them. */
export interface Formattable {
  data: readonly FlatRow[];
  meta: object;
}

/** An answer as it goes out. */
export interface Formatted {
  body: string;
  type: string;
}

type Form = (answer: Formattable) => string;

/** By media type, the usual one first. */
const FORMS: ReadonlyMap<string, Form> = new Map([
  ["application/json", (answer) => JSON.stringify(answer)],
  ["text/csv", ({ data }) => csv(data)],
  ["application/x-ndjson", ({ data }) => data.map((row) => `${JSON.stringify(row)}\n`).join("")],
]);

/** Media types that an answer can be had in. */
export const MEDIA_TYPES: readonly string[] = [...FORMS.keys()];

/** Formats an answer by an Accept header (RFC 9110, 12.5.1); null where none of its media types is one of `MEDIA_TYPES`. */
export function format(answer: Formattable, accept: string | undefined): Formatted | null {
  const type = preferred(accept ?? "");
  const form = FORMS.get(type ?? "");
  if (type === null || form === undefined) return null;
  return { body: form(answer), type: type === "text/csv" ? "text/csv; charset=utf-8; header=present" : type };
}

/** The media type that weighs most; of equals the one that is named most closely, then the usual one. */
function preferred(accept: string): string | null {
  const ranges = accept.split(",").flatMap((text) => {
    const [range = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith("q="));
    return range === "" ? [] : [{ range, weight: weight === undefined ? 1 : Number(weight.slice(2)) }];
  });
  if (ranges.length === 0) return MEDIA_TYPES[0]!;
  let best: { type: string; weight: number; closeness: number } | null = null;
  for (const type of MEDIA_TYPES) {
    const [closeness, weight] = weightOf(type, ranges);
    if (!(weight > 0)) continue;
    if (best === null || weight > best.weight || (weight === best.weight && closeness > best.closeness)) {
      best = { type, weight, closeness };
    }
  }
  return best?.type ?? null;
}

/** How closely a media type is named, and the weight that the closest range gives it. */
function weightOf(type: string, ranges: readonly { range: string; weight: number }[]): [closeness: number, weight: number] {
  const forms = [type, `${type.split("/")[0]}/*`, "*/*"];
  for (const [index, form] of forms.entries()) {
    const range = ranges.find((candidate) => candidate.range === form);
    if (range !== undefined) return [forms.length - index, range.weight];
  }
  return [0, 0];
}

/**
 * Text that a spreadsheet would take for a formula, by OWASP's list (CSV Injection): such names come from the wire, that is from anybody. An apostrophe
 * before it makes it text there; text that has one already gets another, so that whoever takes one away has what was there.
 */
const FORMULA = /^'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

/** RFC 4180, with a header of the columns of all rows. */
function csv(rows: readonly FlatRow[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = [columns, ...rows.map((row) => columns.map((column) => row[column] ?? null))];
  return lines.map((cells) => `${cells.map(cell).join(",")}\r\n`).join("");
}

function cell(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const isFormula = FORMULA.test(value);
  const text = isFormula ? `'${value}` : value;
  return isFormula || /[",;\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
