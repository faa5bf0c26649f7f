/** What the core says of itself (`schema()`): the one description of metrics, labels, protocols and fields. */

export type MetricKind = "counter" | "gauge" | "rate" | "histogram" | "distinct" | "top" | "breakdown" | "theta";

export interface LabelSchema {
  id: number;
  name: string;
  /** A value's place is its number for ever. */
  values: string[];
}

export interface MetricSchema {
  id: number;
  name: string;
  kind: MetricKind;
  /** Base unit of its values: seconds, bytes, ratio, or nothing for plain counts. */
  unit: string;
  help: string;
  parameter: number;
  /** Names of its labels, and their numbers: two labels may share a name. */
  labels: string[];
  labelIds: number[];
  /** Columns of a top's or breakdown's keys. */
  keys?: { name: string; type: "text" | "address" }[];
}

export interface FieldSchema {
  side: "request" | "response";
  name: string;
  /** How it is stored: FieldKind of assembly/protocols/field.ts. */
  kind: number;
  /** Bit of the message's `present`. */
  index: number;
  /** Byte offset in the message. */
  offset: number;
  /** Names of values ("1=A,2=NS"), flags ("aa,tc") or columns ("name:text,ttl:number"). */
  names: string;
}

export interface ProtocolSchema {
  number: number;
  name: string;
  /** What it is spoken over, of "tcp,udp"; nothing of one that is found inside of others alone. */
  transports: string;
  ports: string;
  help: string;
  fields: FieldSchema[];
}

export interface Schema {
  abi: number;
  /** Hash of all declarations, 8 hex digits. */
  schema: string;
  labels: LabelSchema[];
  metrics: MetricSchema[];
  protocols: ProtocolSchema[];
  /** Names of the marks, lowest bit first. */
  marks: string[];
  /** Names of the outcomes by number. */
  statuses: string[];
}

/** The labels of a metric with their values. */
export function labelsOf({ labels }: Pick<Schema, "labels">, metric: MetricSchema): LabelSchema[] {
  return metric.labelIds.map((id, index) => {
    return labels.find((label) => label.id === id) ?? { id, name: metric.labels[index] ?? String(id), values: [] };
  });
}
