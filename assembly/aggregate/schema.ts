/**
 * The registry as JSON: what commands, pages, documents and hubs know of metrics, they read here.
 *
 * ```
 * {"abi":1,"schema":"0badcafe",
 *  "labels":[{"id":1,"name":"direction","values":["in","out","unknown"]}],
 *  "metrics":[{"id":1,"name":"net_packets_total","kind":"counter","unit":"packets","help":"...","parameter":0,
 *              "labels":["direction"],"keys":[{"name":"address","type":"address"}]}]}
 * ```
 * Metrics stand in the order of their numbers; "keys" only where a metric has them.
 */
import { Writer } from "../bytes/writer";
import { LABELS_MAX, labelCsv, labelName, labelValues } from "./label";
import { Kind, METRIC_IDS, METRIC_LABELS_MAX, Metric, metricLabel, Registry } from "./metric";

/** Writes the schema of ABI `abi` to the Writer. */
export function schemaEncode(abi: u32): void {
  raw('{"abi":');
  decimal(abi);
  raw(',"schema":"');
  for (let shift = 28; shift >= 0; shift -= 4) Writer.u8("0123456789abcdef".charCodeAt((Registry.id >> shift) & 15));
  raw('","labels":[');
  let first = true;
  for (let id: u32 = 1; id < LABELS_MAX; id++) {
    if (labelValues(id) == 0) continue;
    if (!first) raw(",");
    first = false;
    label(id);
  }
  raw('],"metrics":[');
  first = true;
  for (let id: u32 = 1; id < METRIC_IDS; id++) {
    const index = Registry.find(id);
    if (index == 0) continue;
    if (!first) raw(",");
    first = false;
    metric(Registry.at(index - 1));
  }
  raw("]}");
}

function label(id: u32): void {
  raw('{"id":');
  decimal(id);
  field("name", labelName(id));
  raw(',"values":[');
  list(labelCsv(id));
  raw("]}");
}

function metric(metric: Metric): void {
  raw('{"id":');
  decimal(metric.id);
  field("name", changetype<string>(<usize>metric.name));
  field("kind", kindName(metric.kind));
  field("unit", changetype<string>(<usize>metric.unit));
  field("help", changetype<string>(<usize>metric.help));
  raw(',"parameter":');
  decimal(metric.parameter);
  raw(',"labels":[');
  for (let i: u32 = 0; i < METRIC_LABELS_MAX && metricLabel(metric, i) != 0; i++) {
    if (i > 0) raw(",");
    text(labelName(metricLabel(metric, i)));
  }
  raw("]");
  if (metric.columns != 0) keys(metric);
  raw("}");
}

function keys(metric: Metric): void {
  raw(',"keys":[');
  const csv = changetype<string>(<usize>metric.columns);
  let start = 0;
  for (let column: u32 = 0; start <= csv.length; column++) {
    const end = partEnd(csv, start);
    raw(column == 0 ? '{"name":"' : ',{"name":"');
    letters(csv, start, end);
    raw((metric.addressColumns >> <u8>column) & 1 ? '","type":"address"}' : '","type":"text"}');
    start = end + 1;
  }
  raw("]");
}

/** Name of a kind in the schema. */
function kindName(kind: u32): string {
  switch (kind) {
    case Kind.COUNTER:
      return "counter";
    case Kind.GAUGE:
      return "gauge";
    case Kind.RATE:
      return "rate";
    case Kind.HISTOGRAM:
      return "histogram";
    case Kind.DISTINCT:
      return "distinct";
    case Kind.TOP:
      return "top";
    default:
      return "breakdown";
  }
}

function field(name: string, value: string): void {
  raw(',"');
  raw(name);
  raw('":');
  text(value);
}

function text(value: string): void {
  raw('"');
  letters(value, 0, value.length);
  raw('"');
}

/** Writes the parts of a text with commas between them as JSON strings. */
function list(csv: string): void {
  let start = 0;
  while (start <= csv.length) {
    const end = partEnd(csv, start);
    if (start > 0) raw(",");
    raw('"');
    letters(csv, start, end);
    raw('"');
    start = end + 1;
  }
}

function partEnd(csv: string, start: i32): i32 {
  let end = start;
  while (end < csv.length && csv.charCodeAt(end) != 0x2c) end += 1;
  return end;
}

/** Writes letters of a declaration inside a JSON string. */
function letters(value: string, start: i32, end: i32): void {
  for (let i = start; i < end; i++) {
    const letter = <u32>value.charCodeAt(i);
    if (letter == 0x22 || letter == 0x5c) Writer.u8(0x5c);
    utf8(letter);
  }
}

function raw(value: string): void {
  for (let i = 0; i < value.length; i++) utf8(<u32>value.charCodeAt(i));
}

/** Writes a letter of the basic plane that is no control character: declarations hold no others. */
function utf8(letter: u32): void {
  assert(letter >= 0x20 && (letter < 0xd800 || letter > 0xdfff));
  if (letter < 0x80) {
    Writer.u8(letter);
  } else if (letter < 0x800) {
    Writer.u8(0xc0 | (letter >> 6));
    Writer.u8(0x80 | (letter & 0x3f));
  } else {
    Writer.u8(0xe0 | (letter >> 12));
    Writer.u8(0x80 | ((letter >> 6) & 0x3f));
    Writer.u8(0x80 | (letter & 0x3f));
  }
}

function decimal(value: u32): void {
  if (value >= 10) decimal(value / 10);
  Writer.u8(0x30 + (value % 10));
}
