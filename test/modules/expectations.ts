/** What a metric of a capture may be expected to be. */
import { expect } from "vitest";
import type { BreakdownItem } from "../../engine/rows";
import { type Totals, totalsOf } from "../support/summaries";
import * as scenarios from "./scenarios";

export const SMALL_BUDGET_BYTES = 8 << 20;
/** Bytes of a flow record, of which five twenty-fourths of the budget are full. */
export const FLOW_BYTES = 352;
export const read = (file: Uint8Array, budgetBytes?: number) =>
  totalsOf(file, { hostNetworks: [scenarios.OURS], theta: true, ...(budgetBytes === undefined ? {} : { budgetBytes }) });

export type Expectation = (totals: Totals, metric: string) => void;
export type Labels = Record<string, string>;

/** The sum of the metric's rows with these labels. */
export const count = (value: number, labels: Labels = {}): Expectation => {
  return (totals, metric) => expect(totals.count(metric, labels)).toBe(value);
};
/** Count and sum of the one histogram with these labels. */
export const histogram = (values: number, sum: number, labels: Labels = {}): Expectation => {
  return (totals, metric) => {
    const row = totals.one(metric, labels);
    expect([row.count, row.sum]).toEqual([values, expect.closeTo(sum, 6)]);
  };
};
/** The estimate of the one distinct with these labels, exact where there are few. */
export const distinct = (value: number, labels: Labels = {}): Expectation => {
  return (totals, metric) => expect(totals.one(metric, labels).estimate).toBe(value);
};
/** All items of the one top with these labels. */
export const top = (items: Record<string, number>, labels: Labels = {}): Expectation => {
  return (totals, metric) => {
    const found = [...totals.top(metric, labels)].map(([key, { lower, upper }]) => [key, lower, upper]);
    expect(totals.one(metric, labels).total).toBe(Object.values(items).reduce((sum, value) => sum + value));
    expect(found.sort()).toEqual(
      Object.entries(items)
        .map(([key, value]) => [key, value, value])
        .sort(),
    );
  };
};
export const all = (...expectations: Expectation[]): Expectation => {
  return (totals, metric) => {
    for (const one of expectations) one(totals, metric);
  };
};

export const OUT = { direction: "out" };
export const IN = { direction: "in" };
/** Rows of the breakdown, a line each. */
export const breakdownLines = (lines: string[]): Expectation => {
  return (totals, metric) => {
    const items = (totals.one(metric, OUT).items ?? []) as BreakdownItem[];
    const found = items.map(({ key, requests, errors }) => [...Object.values(key).slice(1), requests, errors].join(" "));
    expect(found.sort()).toEqual(lines.sort());
  };
};
export const openAtMost = (value: number): Expectation => {
  return (totals, metric) => expect(totals.one(metric).max).toBe(value);
};
/** The breakdown of `protocol` is of one server, and adds up to what its other metrics say. */
export const addsUp = (protocol: string): Expectation => {
  return (totals, metric) => {
    const row = totals.one(metric, OUT);
    const items = row.items as BreakdownItem[];
    const sum = (of: (item: BreakdownItem) => number) => items.reduce((all, item) => all + of(item), 0);
    const [duration, request, response] = ["duration_seconds", "request_bytes", "response_bytes"].map((name) =>
      totals.one(`${protocol}_${name}`, OUT),
    );
    expect(new Set(items.map(({ key }) => key.server))).toEqual(new Set([scenarios.SERVER]));
    expect([row.requests, row.errors, row.bytes]).toEqual([
      totals.count(`${protocol}_requests_total`),
      totals.count(`${protocol}_requests_total`, { status: "error" }),
      request!.sum! + response!.sum!,
    ]);
    expect([sum(({ requests }) => requests), sum(({ errors }) => errors), sum(({ bytes }) => bytes)]).toEqual([
      row.requests,
      row.errors,
      row.bytes,
    ]);
    expect(sum((item) => item.duration.count)).toBe(duration!.count);
    expect(sum((item) => item.duration.sum)).toBeCloseTo(duration!.sum!, 6);
  };
};
/** Items of a breakdown as its columns, requests and errors. */
export const breakdown = (columns: string[], wanted: string[]): Expectation => {
  return (totals, metric) => {
    const items = (totals.one(metric, OUT).items ?? []) as BreakdownItem[];
    const found = items.map(({ key, requests, errors }) => [...columns.map((name) => key[name]), requests, errors].join(" "));
    expect(found.sort()).toEqual([...wanted].sort());
  };
};

/** Each key once. */
export const once = (keys: string[]) => Object.fromEntries(keys.map((key) => [key, 1]));
