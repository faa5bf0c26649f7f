import type { Operand } from "./binary";
import { type Steps, timeOf } from "./clock";
import { type Labels, labelKey, type Series } from "./series";

/** A value as Prometheus' JSON has it: a text, as JSON has no infinities. */
export function valueText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? "+Inf" : "-Inf";
}

/** What a query at one time gives. */
export function instantResult(operand: Operand, steps: Steps): object {
  const time = timeOf(steps, 0);
  if (operand instanceof Float64Array) return { resultType: "scalar", result: [time, valueText(operand[0]!)] };
  const there = operand.filter(({ present }) => present[0] === 1);
  return {
    resultType: "vector",
    result: there.map(({ labels, values }) => ({ metric: Object.fromEntries(labels), value: [time, valueText(values[0]!)] })),
  };
}

/** What a query over many steps gives: series in the order of their labels. */
export function rangeResult(operand: Operand, steps: Steps): object {
  const series = operand instanceof Float64Array ? [constant(operand)] : operand;
  const sorted = series.map((one) => ({ ...one, key: labelKey(one.labels) })).sort((a, b) => (a.key < b.key ? -1 : 1));
  const result = sorted.flatMap(({ labels, values, present }) => {
    const points: [number, string][] = [];
    for (let index = 0; index < steps.count; index += 1) {
      if (present[index] === 1) points.push([timeOf(steps, index), valueText(values[index]!)]);
    }
    return points.length === 0 ? [] : [{ metric: Object.fromEntries(labels), values: points }];
  });
  return { resultType: "matrix", result };
}

function constant(values: Float64Array): Series {
  const labels: Labels = new Map();
  return { labels, values, present: new Uint8Array(values.length).fill(1) };
}

/** An answer as Prometheus gives it. */
export function success(data: unknown, warnings: Iterable<string> = []): Response {
  const list = [...warnings];
  return Response.json({ status: "success", data, ...(list.length === 0 ? {} : { warnings: list }) });
}

/** Prometheus' words for what went wrong, by status. */
const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: "bad_data",
  401: "unauthorized",
  403: "forbidden",
  404: "not_found",
  405: "bad_method",
  413: "bad_data",
  415: "bad_data",
  422: "execution",
  503: "unavailable",
};

/** An error as Prometheus gives it. */
export function failure(status: number, reason: string, headers: HeadersInit = {}): Response {
  const errorType = ERROR_TYPES[status] ?? "internal";
  return Response.json({ status: "error", errorType, error: reason }, { status, headers });
}
