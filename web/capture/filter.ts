/**
 * The filter box. Terms stand side by side and all have to hold:
 *
 * ```
 * word  "two words"      anywhere in the round trip, in any case
 * field:text             the field contains it; a number is equal
 * field:                 the field is there
 * field=text  !=         the field is it
 * field>10  >= < <=      numbers, with k, M, G, or a time's ns, us, ms, s: duration>10ms, durationMs>10
 * status:error,timeout   one of several
 * -term                  not
 * ```
 */
import type { RoundTrip } from "../../engine/round-trip";
import { collect, type Fields, type Plain } from "./fields";

/** Whether a round trip is wanted. */
export type Predicate = (trip: RoundTrip) => boolean;

/** A filter that cannot be read; the message says what to write. */
export class FilterError extends Error {
  override name = "FilterError";
}

const FILTER_LENGTH_MAX = 1000;
const TERM = /(-?)(?:([A-Za-z][\w.]*(?:>=|<=|!=|[:=><]))("[^"]*"?|[^\s"]*)|("[^"]*"?|[^\s"]+))/g;
const COMPARISON = /^([A-Za-z][\w.]*)(>=|<=|!=|[:=><])$/;
const NUMBER = /^(-?\d+(?:\.\d+)?)([a-zA-Zµ]*)$/;
const UNITS: Record<string, number> = { "": 1, k: 1e3, K: 1e3, M: 1e6, G: 1e9, Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3 };
const TIME_UNITS: Record<string, number> = { "": 1, ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9 };

/** Reads a filter; an empty one takes everything. Throws FilterError. */
export function parseFilter(text: string, fields: Fields): Predicate {
  if (text.length > FILTER_LENGTH_MAX) throw new FilterError(`a filter has at most ${FILTER_LENGTH_MAX} characters`);
  const terms: Predicate[] = [];
  for (const [whole, minus, head, tail, word] of text.matchAll(TERM)) {
    const written = tail ?? word ?? "";
    const isQuoted = written.startsWith('"');
    if (isQuoted && (written.length < 2 || !written.endsWith('"'))) throw new FilterError(`${whole}: the quote is not closed`);
    const value = isQuoted ? written.slice(1, -1) : written;
    const term = head === undefined ? anywhere(value) : comparison(head, value, isQuoted, fields);
    terms.push(minus === "-" ? (trip) => !term(trip) : term);
  }
  return (trip) => terms.every((term) => term(trip));
}

function anywhere(text: string): Predicate {
  const wanted = text.toLowerCase();
  return (trip) => {
    const values: Plain[] = [];
    collect(trip, values);
    return values.some((value) => String(value).toLowerCase().includes(wanted));
  };
}

function comparison(head: string, value: string, isQuoted: boolean, fields: Fields): Predicate {
  const [, name, operator] = COMPARISON.exec(head) ?? ["", "", ""];
  const field = fields.find(name!);
  if (field === undefined) throw new FilterError(unknownField(name!, head + value, fields));
  const { get } = field;
  if (operator === ":" && value === "") return (trip) => get(trip).length > 0;
  if (operator === ":" || operator === "=" || operator === "!=") {
    const wanted = (isQuoted ? [value] : value.split(",")).filter((part) => part !== "").map((part) => part.toLowerCase());
    if (wanted.length === 0) throw new FilterError(`${head} wants a value, as in ${head}${name === "status" ? "error" : "1"}`);
    const tests = wanted.map((part) => equals(part, operator === ":", field.scale, field.isTime));
    const holds = (trip: RoundTrip) => get(trip).some((found) => tests.some((test) => test(found)));
    return operator === "!=" ? (trip) => !holds(trip) : holds;
  }
  const limit = numberOf(value, field.isTime);
  if (limit === undefined)
    throw new FilterError(`${head}${value}: ${value} is no number; write ${head}10${field.isTime ? "ms" : ""}`);
  const test = ORDERS[operator!]!;
  return (trip) => get(trip).some((found) => typeof found === "number" && test(found, limit * field.scale));
}

const ORDERS: Record<string, (a: number, b: number) => boolean> = {
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
};

function equals(wanted: string, isPart: boolean, scale: number, isTime: boolean): (found: Plain) => boolean {
  const number = numberOf(wanted, isTime);
  return (found) => {
    if (typeof found === "number") return number !== undefined && found === number * scale;
    const text = String(found).toLowerCase();
    return isPart ? text.includes(wanted) : text === wanted;
  };
}

function numberOf(text: string, isTime: boolean): number | undefined {
  const [, digits, unit] = NUMBER.exec(text) ?? [];
  const factor = (isTime ? TIME_UNITS : UNITS)[unit ?? ""];
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}

function unknownField(name: string, term: string, fields: Fields): string {
  const start = name.toLowerCase().slice(0, 3);
  const near = fields.names.filter((other) => !other.includes(".") && other.toLowerCase().startsWith(start)).slice(0, 3);
  const hint = near.length > 0 ? `did you mean ${near.join(" or ")}?` : `fields are ${fields.names.slice(0, 12).join(", ")} ...`;
  return `there is no field ${name}; ${hint} To look for the text, quote it: "${term}"`;
}
