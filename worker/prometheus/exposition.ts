import { FEDERATED_METRICS_MAX, MINUTE_SECONDS } from "../limits";
import { Refusal } from "../refusal";
import type { Family } from "./catalog";
import { dueMinute, floorTo, originOf, type Span } from "./clock";
import { valueText } from "./envelope";
import type { Reader } from "./reader";
import { familiesOf, type Selection, select } from "./select";
import { type Labels, NAME } from "./series";
import type { Matcher, Selector } from "./syntax";
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
  const due = dueMinute(atSeconds);
  const matchersOf = new Map<Family, (readonly Matcher[])[]>();
  for (const { matchers } of selectors) {
    for (const family of familiesOf(reader.tenant.catalog, matchers)) {
      matchersOf.set(family, [...(matchersOf.get(family) ?? []), matchers]);
    }
  }
  if (matchersOf.size > FEDERATED_METRICS_MAX) {
    const reason = `match[] means ${matchersOf.size} metrics; take at most ${FEDERATED_METRICS_MAX} in one scrape`;
    throw new Refusal(422, "too_much", reason);
  }
  const texts: string[] = [];
  let base = "";
  for (const family of reader.tenant.catalog.values()) {
    const samples = new Map<string, Sample>();
    for (const matchers of matchersOf.get(family) ?? []) {
      const selection = select(family, matchers, reader.tenant.tags, null);
      if (selection !== null) for (const [key, sample] of await samplesOf(reader, selection, due)) samples.set(key, sample);
    }
    if (samples.size === 0) continue;
    if (family.base !== base) texts.push(headOf(family));
    base = family.base;
    const timeMs = (family.nature === "minute" ? due : due - MINUTE_SECONDS) * 1000;
    for (const { labels, value } of samples.values()) texts.push(lineOf(family.name, labels, value, timeMs));
  }
  return texts.join("");
}

async function samplesOf(reader: Reader, selection: Selection, due: number): Promise<Map<string, Sample>> {
  const last = { from: due - MINUTE_SECONDS, to: due };
  const values = await valuesIn(reader, selection, last);
  if (selection.family.nature === "minute") return values;
  const origin = originOf(last.from, reader.tenant.retention);
  const samples = new Map([...values].map(([key, { labels }]): [string, Sample] => [key, { labels, value: 0 }]));
  // Two spans, so that the hub still has the longer one from the last time; only the shorter one changes every minute.
  const middle = Math.max(origin, floorTo(last.from, HOUR_SECONDS));
  for (const span of [
    { from: origin, to: middle },
    { from: middle, to: last.from },
  ]) {
    if (span.from === span.to) continue;
    for (const [key, { labels, value }] of await valuesIn(reader, selection, span)) {
      samples.set(key, { labels, value: (samples.get(key)?.value ?? 0) + value });
    }
  }
  if (!isFirstOfMonth(last.from, origin)) return samples;
  return new Map([...samples].map(([key, { labels }]) => [key, { labels, value: 0 }]));
}

async function valuesIn(reader: Reader, selection: Selection, span: Span): Promise<Map<string, Sample>> {
  const rows = (await reader.readSpan(selection, span)).map((row) => ({ bucket: 0, row }));
  return new Map(
    [...figuresOf(selection, rows)].map(([key, { labels, byBucket }]) => [key, { labels, value: byBucket.get(0) ?? 0 }]),
  );
}

function headOf({ base, type, help }: Family): string {
  return `# HELP ${base} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${base} ${type}\n`;
}

function lineOf(name: string, labels: Labels, value: number, timeMs: number): string {
  const pairs = [...labels].flatMap(([label, text]) => (label === NAME ? [] : [`${label}="${escapeLabel(text)}"`]));
  return `${name}{${pairs.join(",")}} ${valueText(value)} ${timeMs}\n`;
}

function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
