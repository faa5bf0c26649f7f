/** What the core says of its metrics: the JSON of `schema()`, typed and indexed by number. */

export type MetricKind = "counter" | "gauge" | "rate" | "histogram" | "distinct" | "top" | "breakdown";

export interface Label {
  id: number;
  name: string;
  /** A value's index is its number in rows and bundles. */
  values: string[];
}

/** A column of the keys of a top or breakdown. */
export interface KeyColumn {
  name: string;
  type: "text" | "address";
}

export interface Metric {
  id: number;
  name: string;
  kind: MetricKind;
  unit: string;
  help: string;
  parameter: number;
  /** Names of labels, in the order of series keys. */
  labels: string[];
  keys?: KeyColumn[];
}

export interface Schema {
  abi: number;
  /** Hash over all declarations, 8 lower-case hex digits. */
  schema: string;
  labels: Label[];
  metrics: Metric[];
}

/** A schema with its metrics by number and its labels by name. */
export class SchemaIndex {
  readonly metrics: ReadonlyMap<number, Metric>;
  readonly names: ReadonlyMap<string, Metric>;
  readonly labels: ReadonlyMap<string, Label>;

  constructor(readonly schema: Schema) {
    this.metrics = new Map(schema.metrics.map((metric) => [metric.id, metric]));
    this.names = new Map(schema.metrics.map((metric) => [metric.name, metric]));
    this.labels = new Map(schema.labels.map((label) => [label.name, label]));
  }

  /** Value `index` of a label; one of a later build shows as its number. */
  value(label: string, index: number): string {
    return this.labels.get(label)?.values[index] ?? String(index);
  }
}
