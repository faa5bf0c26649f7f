/** What is looked at: the address as window, filters and view, and back. A link says all of it, and never the key. */
import type { Address } from "../parts/address";

/** A length of time up to now that can be looked at, and the length of its steps. */
export interface Span {
  id: string;
  title: string;
  seconds: number;
}

export const SPANS: readonly Span[] = [
  { id: "1h", title: "1 hour", seconds: 3600 },
  { id: "6h", title: "6 hours", seconds: 6 * 3600 },
  { id: "24h", title: "24 hours", seconds: 86_400 },
  { id: "7d", title: "7 days", seconds: 7 * 86_400 },
  { id: "30d", title: "30 days", seconds: 30 * 86_400 },
];
/** The span whose ends the user names. */
export const OWN_SPAN = "own";

/** What of the hub is shown. */
export type Show =
  | { view: "overview" }
  | { view: "edges" }
  | { view: "module"; name: string }
  | { view: "entry"; metric: string; entry: string; by: string };

/** What is looked at. */
export interface Scope {
  show: Show;
  span: string;
  /** Ends of a window of one's own, seconds since the epoch. */
  own?: { from: number; to: number };
  tags: Record<string, string>;
  labels: Record<string, string>;
  isCompared: boolean;
}

/** A window as it is asked for, in seconds; `shift` is how much earlier it is asked once more. */
export interface Window {
  from: number;
  to: number;
  step: number;
  shift?: number;
}

const TAG_PREFIX = "tag.";
const LABEL_PREFIX = "label.";
const STEPS = [60, 300, 900, 3600, 6 * 3600, 86_400];
/** Steps of a window at the most, as long as there are steps that long. */
const STEPS_WANTED_MAX = 170;
/** Second of the minute after which a minute's bundles are all expected: edges post until 50 s past it. */
const POSTED_SECONDS = 55;
/** What a hub keeps longer than minutes, and longer still. */
const KEPT_UNITS = [60, 3600, 86_400];

/** What the address says is looked at; what it says wrongly counts as not said. */
export function scopeOf(fields: Address): Scope {
  const own = ownOf(fields);
  const isKnown = SPANS.some(({ id }) => id === fields.span);
  return {
    show: showOf(fields),
    span: own ? OWN_SPAN : isKnown ? fields.span! : SPANS[0]!.id,
    ...(own && { own }),
    tags: withPrefix(fields, TAG_PREFIX),
    labels: withPrefix(fields, LABEL_PREFIX),
    isCompared: fields.compare !== "off",
  };
}

function showOf({ show, of, metric, entry, by = "" }: Address): Show {
  if (show === "edges") return { view: "edges" };
  if (show === "module" && of) return { view: "module", name: of };
  if (show === "entry" && metric && entry) return { view: "entry", metric, entry, by };
  return { view: "overview" };
}

function ownOf({ span, from = "", to = "" }: Address): Scope["own"] {
  if (span !== OWN_SPAN) return undefined;
  const [start, end] = [parseMinute(from), parseMinute(to)];
  return start < end ? { from: start, to: end } : undefined;
}

/** `2026-01-31T12:05` in UTC as seconds since the epoch; NaN where it is none. */
function parseMinute(text: string): number {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(text) ? Date.parse(`${text}Z`) / 1000 : Number.NaN;
}

/** A minute as the address and the browser's date box write it. */
export function minuteText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 16);
}

function withPrefix(fields: Address, prefix: string): Record<string, string> {
  const found = Object.entries(fields).filter(([name, value]) => name.startsWith(prefix) && value !== "");
  return Object.fromEntries(found.map(([name, value]) => [name.slice(prefix.length), value]));
}

/** The change of the address that filters by a tag; by any value with an empty one. */
export function tagChange(tag: string, value: string): Address {
  return { [TAG_PREFIX + tag]: value };
}

/** The change of the address that filters by a label. */
export function labelChange(label: string, value: string): Address {
  return { [LABEL_PREFIX + label]: value };
}

/** The change of the address that shows something of the hub. */
export function showChange(show: Show): Address {
  const none = { view: "hub", show: "", of: "", metric: "", entry: "", by: "" };
  if (show.view === "module") return { ...none, show: "module", of: show.name };
  if (show.view === "entry") return { ...none, show: "entry", metric: show.metric, entry: show.entry, by: show.by };
  return show.view === "edges" ? { ...none, show: "edges" } : none;
}

/** Conditions of a question: tags by their full name, as a label of the same name would go first. */
export function whereOf({ tags, labels }: Scope): Record<string, string[]> {
  const entries = [
    ...Object.entries(tags).map(([name, value]) => [`tag:${name}`, [value]]),
    ...Object.entries(labels).map(([name, value]) => [name, [value]]),
  ];
  return Object.fromEntries(entries);
}

/**
 * The windows to try, the wanted one first. A hub keeps minutes for days and hours for weeks, and refuses what cuts through what it
 * keeps: the next window has longer steps, and whole hours or days; the last ones do without the period before.
 */
export function windowsOf(scope: Scope, nowSeconds: number): Window[] {
  const { from, to } = endsOf(scope, nowSeconds);
  const plain = KEPT_UNITS.flatMap((unit) => windowIn(from, to, unit));
  const compared = plain.map((window) => ({
    ...window,
    shift: Math.ceil((window.to - window.from) / window.step) * window.step,
  }));
  return scope.isCompared ? [...compared, ...plain] : plain;
}

function endsOf({ span, own }: Scope, nowSeconds: number): { from: number; to: number } {
  if (own) return own;
  const to = floorTo(nowSeconds - POSTED_SECONDS, 60);
  return { from: to - SPANS.find(({ id }) => id === span)!.seconds, to };
}

function windowIn(from: number, to: number, unit: number): Window[] {
  const step = STEPS.find((step) => step >= unit && (to - from) / step <= STEPS_WANTED_MAX) ?? STEPS.at(-1)!;
  const window = { from: floorTo(from, step), to: floorTo(to, unit), step };
  return window.to > window.from ? [window] : [];
}

function floorTo(value: number, unit: number): number {
  return Math.floor(value / unit) * unit;
}
