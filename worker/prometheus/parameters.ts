import { SELECTORS_MAX } from "../limits";
import { quote, Refusal } from "../refusal";
import { parseTime } from "../time";
import type { Steps } from "./clock";
import { durationSeconds } from "./lexer";
import { parseSelector } from "./parse";
import { checkSteps } from "./series";
import type { Selector } from "./syntax";

/** Milliseconds are as fine as Prometheus' times are. */
const STEP_SECONDS_MIN = 0.001;

/** The one value of a field that must be there. */
export function requiredText(fields: URLSearchParams, name: string): string {
  const text = fields.get(name);
  if (text !== null && text !== "") return text;
  throw new Refusal(400, "bad_data", `invalid parameter ${quote(name)}: it is missing`);
}

/** A time: unix seconds with a fraction, or RFC 3339. */
export function timeField(fields: URLSearchParams, name: string, usual: number | null, nowSeconds: number): number {
  const text = fields.get(name);
  if (text === null || text === "") {
    if (usual !== null) return usual;
    throw new Refusal(400, "bad_data", `invalid parameter ${quote(name)}: it is missing`);
  }
  const seconds = /^\d+(\.\d*)?([eE][+-]?\d+)?$/.test(text) ? Number(text) : text;
  if (typeof seconds === "string" && !/^\d{4}-/.test(seconds)) throw noTime(name, text);
  return Math.round(parseTime(name, seconds, nowSeconds) * 1000) / 1000;
}

/** The steps of query_range. */
export function stepsField(fields: URLSearchParams, nowSeconds: number): Steps {
  const start = timeField(fields, "start", null, nowSeconds);
  const end = timeField(fields, "end", null, nowSeconds);
  if (end < start) throw new Refusal(400, "bad_data", 'invalid parameter "end": end timestamp must not be before start time');
  const text = requiredText(fields, "step");
  const step = /^\d*\.?\d+([eE][+-]?\d+)?$/.test(text) ? Number(text) : durationOf(text);
  if (!(step >= STEP_SECONDS_MIN) || !Number.isFinite(step)) {
    const reason =
      'invalid parameter "step": zero or negative query resolution step widths are not accepted; give seconds, or a span like 1m';
    throw new Refusal(400, "bad_data", reason);
  }
  const count = Math.floor((Math.round(end * 1000) - Math.round(start * 1000)) / Math.round(step * 1000)) + 1;
  checkSteps(count);
  return { start, step, count };
}

/** The selectors of `match[]`. */
export function selectorsField(fields: URLSearchParams): Selector[] {
  const texts = fields.getAll("match[]");
  if (texts.length > SELECTORS_MAX) throw new Refusal(422, "too_much", `give at most ${SELECTORS_MAX} match[]`);
  return texts.map(parseSelector);
}

/** A whole number that says how many are wanted; null where it is not given, or 0, which means all. */
export function limitField(fields: URLSearchParams): number | null {
  const text = fields.get("limit");
  if (text === null || text === "") return null;
  if (!/^\d{1,9}$/.test(text)) throw new Refusal(400, "bad_data", `invalid parameter "limit": ${quote(text)} is no whole number`);
  return Number(text) || null;
}

function durationOf(text: string): number {
  return /^(\d+(ms|[smhdwy]))+$/.test(text) ? durationSeconds(text) : Number.NaN;
}

function noTime(name: string, text: string): Refusal {
  const reason = `invalid parameter ${quote(name)}: cannot parse ${quote(text)} to a valid timestamp; give unix seconds or RFC 3339`;
  return new Refusal(400, "bad_data", reason);
}
