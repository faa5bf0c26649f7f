/** Statistics of round trips, added up by the core as a question wants them, as plain objects. */
import type { Core, FilterFault } from "./core.ts";
import { type InterfaceNaming, type RoundTrip, RoundTripReader } from "./round-trip.ts";
import { type BreakdownPart, decodeBreakdown, encodeRowQuery, keyValues } from "./rows.ts";

/** What is added up, and by what. */
export interface StatQuestion {
  /** `count`, `errors`, `size` (both sides, on the wire), or a field with numbers, as `durationNs`. */
  value: string;
  /** Fields as filters write them (docs/filters.md), four at the most. */
  by: readonly string[];
  /** Round trips to keep of each row, those with the greatest values; ten at the most. */
  samples?: number;
}

/** What the values of round trips come to: whole numbers of the value's own unit; quantiles within 1.1 %, all else exact. */
export interface StatValues {
  /** Round trips whose value is known. */
  count: number;
  sum: number;
  min: number;
  max: number;
  quantiles: { "0.5": number; "0.9": number; "0.99": number };
}

/** What some round trips add up to. */
export interface StatPart {
  requests: number;
  errors: number;
  /** On the wire, both sides. */
  bytes: number;
  /** Absent where none is known. */
  values?: StatValues;
}

/** Round trips with the same values of the fields; a field that is not known is absent. */
export interface StatRow extends StatPart {
  by: Record<string, string | number>;
  /** There where there were more rows than are kept: the row has `requests` for certain, and so many at most. */
  upper?: number;
  /** The greatest value first. */
  samples?: RoundTrip[];
}

export interface StatAnswer {
  value: string;
  by: string[];
  requests: number;
  errors: number;
  bytes: number;
  /** The busiest first. */
  rows: StatRow[];
  /** All that is in no row; absent where nothing is. */
  other?: StatPart;
}

/** Rows that are kept at the most; beyond that the busiest stay. */
export const STAT_ROWS_MAX = 768;

const QUANTILES = [0, 0.5, 0.9, 0.99, 1];
const QUERY = encodeRowQuery({ items: STAT_ROWS_MAX, quantiles: QUANTILES });

/** Statistics that a core makes of its round trips, which it gives out no more. */
export class Stat {
  private readonly reader: RoundTripReader;

  private constructor(
    private readonly core: Core,
    private readonly question: StatQuestion,
    nameOf?: InterfaceNaming,
  ) {
    this.reader = new RoundTripReader(core.schema, nameOf);
  }

  /** Begins them; what is wrong with the question, if anything. The core must have been made with `events`. */
  static open(core: Core, question: StatQuestion, nameOf?: InterfaceNaming): Stat | FilterFault {
    const { value, by, samples = 0 } = question;
    const fault = core.openStat(by.length === 0 ? value : `${value} by ${by.join(", ")}`, samples);
    return fault ?? new Stat(core, question, nameOf);
  }

  /** What they come to so far. */
  answer(): StatAnswer {
    const { value, by, samples = 0 } = this.question;
    // What samples are read into is the place of this answer.
    const bytes = this.core.statRows(QUERY).slice();
    const areNumbers = [...bytes.subarray(1, 1 + by.length)].map((flag) => flag === 1);
    const { items, other, requests, errors, bytes: wireBytes } = decodeBreakdown(bytes.subarray(1 + by.length), QUANTILES);
    const rows = items.map(({ key, upper, ...part }, index): StatRow => {
      const bounds = upper === part.requests ? {} : { upper };
      const kept = samples > 0 ? { samples: this.samplesOf(index) } : {};
      return { by: valuesOf(key, by, areNumbers), ...partOf(part), ...bounds, ...kept };
    });
    const rest = other.requests === 0 ? {} : { other: partOf(other) };
    return { value, by: [...by], requests, errors, bytes: wireBytes, rows, ...rest };
  }

  private samplesOf(index: number): RoundTrip[] {
    return [...this.reader.read(this.core.statSamples(index))];
  }
}

function valuesOf(key: Uint8Array, by: readonly string[], areNumbers: readonly boolean[]): StatRow["by"] {
  const entries = keyValues(key).flatMap((bytes, index): [string, string | number][] => {
    if (bytes.length === 0) return [];
    const text = new TextDecoder().decode(bytes);
    return [[by[index]!, areNumbers[index] ? Number(text) : text]];
  });
  return Object.fromEntries(entries);
}

function partOf({ requests, errors, bytes, duration }: BreakdownPart): StatPart {
  const { count, sum, quantiles } = duration;
  if (count === 0) return { requests, errors, bytes };
  const of = (quantile: number) => Math.round(quantiles[String(quantile)] ?? 0);
  const values = { count, sum, min: of(0), max: of(1), quantiles: { "0.5": of(0.5), "0.9": of(0.9), "0.99": of(0.99) } };
  return { requests, errors, bytes, values };
}
