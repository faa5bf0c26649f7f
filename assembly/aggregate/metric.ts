/**
 * The registry of metrics: each is declared once, with a number that is never reused.
 *
 * A metric with labels is a block of series, one for each combination of label values in mixed radix, the first label
 * slowest. A series' index is its place among all series in the order of declaration; its key, the same in every build, is
 * one byte of value index a label, the first label in the highest byte.
 */
import { LABELS_BYTES, labelCsv, labelName, labelValues, openLabels } from "./label";

/** Kinds of state; the numbers are on the wire. */
export class Kind {
  static readonly COUNTER: u32 = 1;
  static readonly GAUGE: u32 = 2;
  static readonly RATE: u32 = 3;
  static readonly HISTOGRAM: u32 = 4;
  static readonly DISTINCT: u32 = 5;
  static readonly TOP: u32 = 6;
  static readonly BREAKDOWN: u32 = 7;
  static readonly THETA: u32 = 8;
}

/** The highest kind that this build knows. */
export const KIND_MAX: u32 = 8;
/** Numbers of declared metrics are below this; those of unknown ones on the wire fit 16 bits. */
export const METRIC_IDS: u32 = 1024;
/** Metrics of one build at the most. */
export const METRICS_MAX: u32 = 512;
/** Labels of one metric at the most. */
export const METRIC_LABELS_MAX: u32 = 3;

@unmanaged
export class Metric {
  id: u16;
  kind: u8;
  parameter: u8;
  label0: u8;
  label1: u8;
  label2: u8;
  /** Bit i is set where key column i is an address, 4 or 16 raw bytes; text otherwise. */
  addressColumns: u8;
  firstSeries: u32;
  seriesCount: u32;
  /** Static strings. */
  name: u32;
  unit: u32;
  help: u32;
  /** Columns of keys with commas between them, or 0. */
  columns: u32;
}

/** Bytes of the registry's region. */
export const REGISTRY_BYTES: u32 = LABELS_BYTES + METRIC_IDS * 2 + METRICS_MAX * 32;

export class Registry {
  /** Metrics declared so far. */
  static metrics: u32 = 0;
  /** Series declared so far. */
  static series: u32 = 0;
  /** Names this set of declarations: a hash over all of them in their order. */
  static id: u32 = 0;
  private static byId: usize = 0;
  private static records: usize = 0;

  /** Lays an empty registry out at `start`, REGISTRY_BYTES long. */
  static open(start: usize): void {
    assert(offsetof<Metric>() == 32);
    openLabels(start);
    Registry.byId = start + LABELS_BYTES;
    Registry.records = Registry.byId + METRIC_IDS * 2;
    memory.fill(Registry.byId, 0, METRIC_IDS * 2);
    Registry.metrics = 0;
    Registry.series = 0;
  }

  /** Ends the declarations and computes their id. */
  static close(): void {
    let hash: u32 = 0x811c9dc5;
    for (let i: u32 = 0; i < Registry.metrics; i++) {
      const metric = Registry.at(i);
      hash = mixNumber(hash, ((<u32>metric.id) << 16) | ((<u32>metric.kind) << 8) | <u32>metric.parameter);
      hash = mixText(mixText(mixText(hash, metric.name), metric.unit), metric.help);
      hash = mixText(mixNumber(hash, metric.addressColumns), metric.columns);
      for (let l: u32 = 0; l < METRIC_LABELS_MAX && metricLabel(metric, l) != 0; l++) {
        const label = metricLabel(metric, l);
        hash = mixText(mixNumber(hash, label), <u32>changetype<usize>(labelName(label)));
        hash = mixText(hash, <u32>changetype<usize>(labelCsv(label)));
      }
    }
    Registry.id = hash;
  }

  /** Metric number `index` in the order of declaration. */
  static at(index: u32): Metric {
    assert(index < Registry.metrics);
    return changetype<Metric>(Registry.records + index * 32);
  }

  /** Index of the metric with number `id`, plus 1; 0 where this build does not know it. */
  static find(id: u32): u32 {
    return id < METRIC_IDS ? <u32>load<u16>(Registry.byId + (id << 1)) : 0;
  }

  /** Adds a zeroed record for the new number `id`. */
  static add(id: u32): Metric {
    assert(id > 0 && id < METRIC_IDS && Registry.metrics < METRICS_MAX && Registry.find(id) == 0);
    const start = Registry.records + Registry.metrics * 32;
    Registry.metrics += 1;
    store<u16>(Registry.byId + (id << 1), Registry.metrics);
    memory.fill(start, 0, 32);
    return changetype<Metric>(start);
  }
}

/** One step of FNV-1a over a number. */
function mixNumber(hash: u32, value: u32): u32 {
  return (hash ^ value) * 0x01000193;
}

/** FNV-1a over the letters of the static string at `text`, which may be 0. */
function mixText(hash: u32, text: u32): u32 {
  let mixed = mixNumber(hash, 0x1f);
  if (text == 0) return mixed;
  const letters = changetype<string>(<usize>text);
  for (let i = 0; i < letters.length; i++) mixed = mixNumber(mixed, <u32>letters.charCodeAt(i));
  return mixed;
}

/**
 * Declares metric `id` and gives the index of its first series. `parameter` is the kind's own: the unit scale of a rate or
 * histogram, the precision of a distinct, the log2 of a top's table. Labels are numbers of declared labels, 0 for none, the
 * used ones first.
 */
export function declareMetric(
  id: u32,
  kind: u32,
  unit: string,
  name: string,
  help: string,
  parameter: u32,
  label0: u32,
  label1: u32,
  label2: u32,
): u32 {
  const metric = Registry.add(id);
  assert(kind > 0 && kind <= KIND_MAX && parameter < 256);
  assert((label1 == 0 || label0 != 0) && (label2 == 0 || label1 != 0));
  metric.id = <u16>id;
  metric.kind = <u8>kind;
  metric.parameter = <u8>parameter;
  metric.label0 = <u8>label0;
  metric.label1 = <u8>label1;
  metric.label2 = <u8>label2;
  metric.name = <u32>changetype<usize>(name);
  metric.unit = <u32>changetype<usize>(unit);
  metric.help = <u32>changetype<usize>(help);
  metric.firstSeries = Registry.series;
  metric.seriesCount = labelValues(label0) * labelValues(label1) * labelValues(label2);
  assert(metric.seriesCount > 0);
  Registry.series += metric.seriesCount;
  return metric.firstSeries;
}

/**
 * Names the key columns of top or breakdown `id`, commas between them. Bit i of `addressColumns` says that column i holds
 * an address as 4 or 16 raw bytes; the others hold text.
 */
export function declareKeys(id: u32, columnsCsv: string, addressColumns: u32 = 0): void {
  const index = Registry.find(id);
  assert(index != 0);
  const metric = Registry.at(index - 1);
  assert(metric.kind == Kind.TOP || metric.kind == Kind.BREAKDOWN);
  metric.columns = <u32>changetype<usize>(columnsCsv);
  metric.addressColumns = <u8>addressColumns;
}

/** Label `position` (0 to 2) of `metric`, 0 for none. */
export function metricLabel(metric: Metric, position: u32): u32 {
  if (position == 0) return metric.label0;
  return position == 1 ? metric.label1 : metric.label2;
}

/** Key of the series at `offset` (0 to seriesCount - 1) of `metric`. */
export function seriesKeyOf(metric: Metric, offset: u32): u32 {
  const values2 = labelValues(metric.label2);
  const values1 = labelValues(metric.label1);
  const rest = offset / values2;
  return ((rest / values1) << 24) | ((rest % values1) << 16) | ((offset % values2) << 8);
}

/** Whether `key` can be a series of `metric`, also of a later build that has more values of its labels. */
export function seriesKeyFits(metric: Metric, key: u32): bool {
  if ((key & 0xff) != 0) return false;
  if (metric.label0 == 0 && key >> 24 != 0) return false;
  if (metric.label1 == 0 && ((key >> 16) & 0xff) != 0) return false;
  return metric.label2 != 0 || ((key >> 8) & 0xff) == 0;
}
