/**
 * Questions to the core's accumulator and its answers as plain objects: what `read --summary -o json` prints and queries give.
 *
 * assembly/wire/query.ts and row.ts draw the bytes.
 */
import { formatRawAddress } from "./address.ts";
import { type LabelSchema, labelsOf, type MetricSchema, type Schema } from "./schema.ts";

/** What the payloads of rows are, by their numbers in assembly/wire/form.ts: figures, or sketches in a form of Apache DataSketches. */
export const ROW_FORMS = ["figures", "hll_8", "hll_4", "frequent_items", "theta"] as const;
export type RowForm = (typeof ROW_FORMS)[number];

/** What a question wants to know. */
export interface RowQuery {
  /** Number of the metric; every metric unless given. */
  metric?: number;
  /** Bit i keeps label i apart, the others are merged; all are kept unless given. */
  keepLabelsMask?: number;
  /** Items of tops and breakdowns; 10 unless given, 1024 at most. */
  items?: number;
  /** 0 to 1, 16 of them at most. */
  quantiles?: readonly number[];
  /** For each label position the value indexes that count, or null for all. */
  labelValues?: readonly (readonly number[] | null)[];
  /** Whether histograms come with their buckets. */
  buckets?: boolean;
  /** Rows of kinds that it does not fit are left out; figures unless given. */
  form?: RowForm;
}

/** Durations of a breakdown's label set, in the metric's unit. */
export interface Durations {
  count: number;
  sum: number;
  quantiles: Record<string, number>;
}

/** One key of a top. `value` is the middle of its bounds. */
export interface TopItem {
  key: string;
  value: number;
  lower: number;
  upper: number;
}

/** What a label set of a breakdown adds up to. */
export interface BreakdownPart {
  requests: number;
  errors: number;
  bytes: number;
  duration: Durations;
}

/** One label set of a breakdown; it had `lower` requests for certain and `upper` at most. */
export interface BreakdownItem extends BreakdownPart {
  key: Record<string, string>;
  lower: number;
  upper: number;
}

/** Values in (lower, upper], in the metric's unit. */
export interface Bucket {
  lower: number;
  upper: number;
  count: number;
}

/** One metric and combination of labels; which members there are follows from the metric's kind. */
export interface Row {
  metric: string;
  labels: Record<string, string>;
  /** Counter and rate: the total. Gauge: the last value. */
  value?: number;
  /** Gauge and histogram; rate: the greatest second. */
  min?: number;
  max?: number;
  /** Rate: the seconds that were captured. */
  seconds?: number;
  quantiles?: Record<string, number>;
  /** Histogram. */
  count?: number;
  sum?: number;
  zeros?: number;
  buckets?: Bucket[];
  /** Distinct and theta: the true number lies between lower and upper with 95 %. */
  estimate?: number;
  lower?: number;
  upper?: number;
  /** Top: the sum of all weights, and the most that a key has which is not shown. */
  total?: number;
  bound?: number;
  /** Top and breakdown, the heaviest first. */
  items?: TopItem[] | BreakdownItem[];
  /** Breakdown. */
  requests?: number;
  errors?: number;
  bytes?: number;
  other?: BreakdownPart;
  /** In place of all figures, where a form was asked for: a sketch in that form. */
  sketch?: Uint8Array;
}

/** Bytes that are no answer, or one of another build. */
export class RowsError extends Error {
  override name = "RowsError";
}

const LABELS_MAX = 3;
const FILTER_BYTES = 32;
const KINDS = ["", "counter", "gauge", "rate", "histogram", "distinct", "top", "breakdown", "theta"];

/** Encodes a question for the core. Throws RangeError where a field is out of its range. */
export function encodeRowQuery(query: RowQuery): Uint8Array {
  const {
    metric = 0,
    keepLabelsMask = 7,
    items = 10,
    quantiles = [],
    labelValues = [],
    buckets = false,
    form = "figures",
  } = query;
  const filters = labelValues.flatMap((values, label) => (values === null ? [] : [{ label, values }]));
  if (quantiles.length > 16 || quantiles.some((q) => !(q >= 0 && q <= 1)))
    throw new RangeError("quantiles are 0 to 1, 16 at most");
  if (labelValues.length > LABELS_MAX) throw new RangeError(`a metric has ${LABELS_MAX} labels at most`);
  const bytes = new Uint8Array(8 + quantiles.length * 8 + filters.length * (1 + FILTER_BYTES));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, metric, true);
  view.setUint8(2, keepLabelsMask & 7);
  view.setUint8(3, (buckets ? 1 : 0) | (ROW_FORMS.indexOf(form) << 1));
  view.setUint16(4, Math.min(items, 1024), true);
  view.setUint8(6, quantiles.length);
  view.setUint8(7, filters.length);
  let at = 8;
  for (const quantile of quantiles) {
    view.setFloat64(at, quantile, true);
    at += 8;
  }
  for (const { label, values } of filters) {
    bytes[at] = label;
    for (const value of values) {
      const place = at + 1 + (value >> 3);
      if (value >= 0 && value < 256) bytes[place] = (bytes[place] ?? 0) | (1 << (value & 7));
    }
    at += 1 + FILTER_BYTES;
  }
  return bytes;
}

/** Reads an answer front to back. */
class Reader {
  at = 0;
  private readonly view: DataView;

  constructor(readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  take(length: number): number {
    const start = this.at;
    if (length > this.bytes.length - start) throw new RowsError("the answer ends within a row");
    this.at += length;
    return start;
  }

  u8 = () => this.view.getUint8(this.take(1));
  u16 = () => this.view.getUint16(this.take(2), true);
  u32 = () => this.view.getUint32(this.take(4), true);
  i32 = () => this.view.getInt32(this.take(4), true);
  u64 = () => Number(this.view.getBigUint64(this.take(8), true));
  f64 = () => this.view.getFloat64(this.take(8), true);

  run(length: number): Uint8Array {
    const start = this.take(length);
    return this.bytes.subarray(start, start + length);
  }

  quantiles(names: readonly number[]): Record<string, number> {
    return Object.fromEntries(names.map((name) => [String(name), this.f64()]));
  }
}

/** Decodes answers of a core with this schema. */
export class RowDecoder {
  private readonly metrics: ReadonlyMap<number, MetricSchema>;
  private readonly labels: ReadonlyMap<number, LabelSchema[]>;

  constructor(schema: Pick<Schema, "metrics" | "labels">) {
    this.metrics = new Map(schema.metrics.map((metric) => [metric.id, metric]));
    this.labels = new Map(schema.metrics.map((metric) => [metric.id, labelsOf(schema, metric)]));
  }

  /** Decodes the answer to `query`; rows of metrics that the schema does not know are left out. Throws RowsError. */
  decode(answer: Uint8Array, { keepLabelsMask = 7, quantiles = [], form = "figures" }: RowQuery): Row[] {
    const rows: Row[] = [];
    const reader = new Reader(answer);
    while (reader.at < answer.length) {
      const id = reader.u16();
      const kind = KINDS[reader.u8()];
      reader.u8();
      const key = reader.u32();
      const bytes = reader.run(reader.u32());
      const metric = this.metrics.get(id);
      if (metric === undefined || metric.kind !== kind) continue;
      const labels = this.labelsOf(metric, key, keepLabelsMask);
      const payload = form === "figures" ? payloadOf(metric, new Reader(bytes), quantiles) : { sketch: bytes.slice() };
      rows.push({ metric: metric.name, labels, ...payload });
    }
    return rows;
  }

  private labelsOf(metric: MetricSchema, key: number, mask: number): Record<string, string> {
    const labels: Record<string, string> = {};
    for (const [position, { name, values }] of (this.labels.get(metric.id) ?? []).entries()) {
      if (((mask >> position) & 1) === 0) continue;
      const index = (key >>> (24 - position * 8)) & 0xff;
      labels[name] = values[index] ?? String(index);
    }
    return labels;
  }
}

function payloadOf(metric: MetricSchema, payload: Reader, quantiles: readonly number[]): Omit<Row, "metric" | "labels"> {
  switch (metric.kind) {
    case "counter":
      return { value: payload.u64() };
    case "gauge":
      return { value: payload.u64(), min: payload.u64(), max: payload.u64() };
    case "rate":
      return { value: payload.u64(), seconds: payload.u64(), max: payload.f64(), quantiles: payload.quantiles(quantiles) };
    case "histogram":
      return histogramOf(payload, quantiles);
    case "distinct":
    case "theta":
      return { estimate: payload.f64(), lower: payload.f64(), upper: payload.f64() };
    case "top":
      return topOf(metric, payload);
    case "breakdown":
      return breakdownOf(metric, payload, quantiles);
  }
}

function histogramOf(payload: Reader, quantiles: readonly number[]): Omit<Row, "metric" | "labels"> {
  const row = { count: payload.u64(), sum: payload.f64(), min: payload.f64(), max: payload.f64() };
  const of = payload.quantiles(quantiles);
  const zeros = payload.u64();
  const buckets: Bucket[] = [];
  for (let left = payload.u32(); left > 0; left--) {
    const index = payload.i32();
    buckets.push({ lower: 2 ** (index / 32), upper: 2 ** ((index + 1) / 32), count: payload.u64() });
  }
  return { ...row, quantiles: of, ...(buckets.length > 0 ? { zeros, buckets } : {}) };
}

function topOf(metric: MetricSchema, payload: Reader): Omit<Row, "metric" | "labels"> {
  const total = payload.u64();
  const bound = payload.u64();
  const items: TopItem[] = [];
  const type = metric.keys?.[0]?.type ?? "text";
  for (let left = payload.u32(); left > 0; left--) {
    const lower = payload.u64();
    const upper = payload.u64();
    const key = keyText(payload.run(payload.u8()), type);
    items.push({ key, value: lower + Math.floor((upper - lower) / 2), lower, upper });
  }
  return { total, bound, items };
}

/** A breakdown as its payload has it, its keys not yet taken apart. */
export interface BreakdownAnswer {
  requests: number;
  errors: number;
  bytes: number;
  bound: number;
  items: (BreakdownPart & { key: Uint8Array; upper: number })[];
  other: BreakdownPart;
}

/** Decodes the payload of a breakdown. Throws RowsError. */
export function decodeBreakdown(bytes: Uint8Array, quantiles: readonly number[]): BreakdownAnswer {
  return breakdownIn(new Reader(bytes), quantiles);
}

function breakdownIn(payload: Reader, quantiles: readonly number[]): BreakdownAnswer {
  const totals = { requests: payload.u64(), errors: payload.u64(), bytes: payload.u64() };
  const bound = payload.u64();
  const items: BreakdownAnswer["items"] = [];
  for (let left = payload.u32(); left > 0; left--) {
    const upper = payload.u64();
    const key = payload.run(payload.u8());
    items.push({ key, upper, ...partOf(payload, quantiles) });
  }
  return { ...totals, bound, items, other: partOf(payload, quantiles) };
}

function breakdownOf(metric: MetricSchema, payload: Reader, quantiles: readonly number[]): Omit<Row, "metric" | "labels"> {
  const { items, ...rest } = breakdownIn(payload, quantiles);
  return {
    ...rest,
    items: items.map(({ key, upper, ...part }) => ({ key: keyColumns(metric, key), lower: part.requests, upper, ...part })),
  };
}

function partOf(payload: Reader, quantiles: readonly number[]): BreakdownPart {
  const part = { requests: payload.u64(), errors: payload.u64(), bytes: payload.u64() };
  return { ...part, duration: { count: payload.u64(), sum: payload.f64(), quantiles: payload.quantiles(quantiles) } };
}

/** Takes a breakdown's key apart by its columns. */
function keyColumns(metric: MetricSchema, bytes: Uint8Array): Record<string, string> {
  const values = keyValues(bytes);
  return Object.fromEntries(
    (metric.keys ?? []).map(({ name, type }, index) => [name, keyText(values[index] ?? new Uint8Array(), type)]),
  );
}

/** The values of a breakdown's key, one a column, each behind its length. */
export function keyValues(key: Uint8Array): Uint8Array[] {
  const values: Uint8Array[] = [];
  for (let at = 0; at < key.length; at += 1 + key[at]!) values.push(key.subarray(at + 1, at + 1 + key[at]!));
  return values;
}

/** Text of a key: an address of 4 or 16 raw bytes, or UTF-8, what is not valid replaced. */
function keyText(bytes: Uint8Array, type: "text" | "address"): string {
  if (type === "address" && (bytes.length === 4 || bytes.length === 16)) return formatRawAddress(bytes);
  return new TextDecoder().decode(bytes);
}
