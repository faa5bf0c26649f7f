import { escapeHelp, escapeLabel } from "../../engine/prometheus/text";
import { MINUTE_SECONDS } from "../limits";
import type { FlatRow } from "../query/flatten";
import type { Catalog, Family } from "./catalog";
import { dueMinute, floorTo, originOf, type Span } from "./clock";
import { valueText } from "./envelope";
import type { Reader } from "./reader";
import { familiesOf, type Selection, select } from "./select";
import { type Labels, NAME } from "./series";
import type { Selector } from "./syntax";
import { figuresOf, isFirstOfMonth } from "./windows";

/**
 * What a Prometheus scrapes: text in Prometheus' own format, each sample with the time that it is of, as its own /federate has it.
 *
 * Gauges are of the last minute that was due. Counters are of the minute before it: so a series that is new in the last minute
 * stands there with 0 first, and whoever adds up increases misses nothing of it.
 */
export const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

const HOUR_SECONDS = 3_600;

interface Sample {
  labels: Labels;
  value: number;
}

/** The text of all series that any of the selectors means, as of `atSeconds`. */
export async function expose(reader: Reader, selectors: readonly Selector[], atSeconds: number): Promise<string> {
  const due = dueMinute({ ...reader.tenant, nowSeconds: atSeconds });
  const { catalog, tags } = reader.tenant;
  const scraped: Scraped[] = [];
  for (const { matchers } of selectors) {
    for (const family of familiesOf(catalog, matchers)) {
      const selection = select(family, matchers, tags, null);
      if (selection !== null) scraped.push({ selection, spans: spansOf(reader, family, due) });
    }
  }
  const questions = scraped.flatMap(({ selection, spans }) => spans.map((span) => ({ selection, span })));
  const rows = await reader.readSpans(questions);
  const samples = new Map<Family, Map<string, Sample>>();
  for (const { selection, spans } of scraped) {
    const known = samples.get(selection.family) ?? new Map<string, Sample>();
    samples.set(selection.family, known);
    for (const [key, sample] of samplesOf(reader, selection, rows.splice(0, spans.length), due)) known.set(key, sample);
  }
  return textOf(catalog, samples, due);
}

/** A part of a family's series, and the spans that its samples are made of. */
interface Scraped {
  selection: Selection;
  spans: Span[];
}

/** The last minute; of counters also all before it, in two spans, so that the hub still has the longer one from the last time. */
function spansOf(reader: Reader, { nature }: Family, due: number): Span[] {
  const last = { from: due - MINUTE_SECONDS, to: due };
  if (nature === "minute") return [last];
  const origin = originOf(last.from, reader.tenant.retention);
  const middle = Math.max(origin, floorTo(last.from, HOUR_SECONDS));
  return [last, { from: origin, to: middle }, { from: middle, to: last.from }].filter(({ from, to }) => from < to);
}

/** Samples from the rows of their spans, the last minute's first. */
function samplesOf(reader: Reader, selection: Selection, rows: readonly FlatRow[][], due: number): Map<string, Sample> {
  const isMinute = selection.family.nature === "minute";
  const end = due - MINUTE_SECONDS;
  const isZero = !isMinute && isFirstOfMonth(end, originOf(end, reader.tenant.retention));
  const samples = new Map<string, Sample>();
  rows.forEach((some, place) => {
    const figures = figuresOf(
      selection,
      some.map((row) => ({ bucket: 0, row })),
    );
    for (const [key, { labels, byBucket }] of figures) {
      const isCounted = !isZero && (isMinute || place > 0);
      const value = (samples.get(key)?.value ?? 0) + (isCounted ? (byBucket.get(0) ?? 0) : 0);
      samples.set(key, { labels, value });
    }
  });
  return samples;
}

function textOf(catalog: Catalog, samples: ReadonlyMap<Family, ReadonlyMap<string, Sample>>, due: number): string {
  const lines: string[] = [];
  let base = "";
  for (const family of catalog.values()) {
    const some = samples.get(family);
    if (some === undefined || some.size === 0) continue;
    if (family.base !== base) lines.push(headOf(family));
    base = family.base;
    const timeMs = (family.nature === "minute" ? due : due - MINUTE_SECONDS) * 1000;
    for (const { labels, value } of some.values()) lines.push(lineOf(family.name, labels, value, timeMs));
  }
  return lines.join("");
}

function headOf({ base, type, help }: Family): string {
  return `# HELP ${base} ${escapeHelp(help)}\n# TYPE ${base} ${type}\n`;
}

function lineOf(name: string, labels: Labels, value: number, timeMs: number): string {
  const pairs = [...labels].flatMap(([label, text]) => (label === NAME ? [] : [`${label}="${escapeLabel(text)}"`]));
  return `${name}{${pairs.join(",")}} ${valueText(value)} ${timeMs}\n`;
}
