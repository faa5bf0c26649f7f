/**
 * The registry as JSON: what commands, pages, documents and hubs know of metrics, they read here.
 *
 * ```
 * {"abi":1,"schema":"0badcafe",
 *  "labels":[{"id":1,"name":"direction","values":["in","out","unknown"]}],
 *  "metrics":[{"id":1,"name":"net_packets_total","kind":"counter","unit":"packets","help":"...","parameter":0,
 *              "labels":["direction"],"labelIds":[1],"keys":[{"name":"address","type":"address"}]}]}
 * ```
 * Metrics stand in the order of their numbers; "keys" only where a metric has them.
 */
import { decimal, field, letters, list, partEnd, raw, text } from "../bytes/json";
import { Writer } from "../bytes/writer";
import { LABELS_MAX, labelCsv, labelName, labelValues } from "./label";
import { Kind, METRIC_IDS, METRIC_LABELS_MAX, Metric, metricLabel, Registry } from "./metric";

/** Writes the schema of ABI `abi` to the Writer; further members and the closing brace are the caller's. */
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
  raw("]");
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
  raw('],"labelIds":[');
  for (let i: u32 = 0; i < METRIC_LABELS_MAX && metricLabel(metric, i) != 0; i++) {
    if (i > 0) raw(",");
    decimal(metricLabel(metric, i));
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
    case Kind.THETA:
      return "theta";
    default:
      return "breakdown";
  }
}
