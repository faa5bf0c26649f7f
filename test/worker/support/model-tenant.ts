/** A tenant whose answers come from plain counting, at any time and with anything kept as long as is said. */
import { ROWS_MAX } from "../../../worker/limits";
import type { Metric } from "../../../worker/merge";
import type { Answer } from "../../../worker/object/answer";
import { catalogOf } from "../../../worker/prometheus/catalog";
import type { Tenant } from "../../../worker/prometheus/tenant";
import type { FlatRow } from "../../../worker/query/flatten";
import type { Plan } from "../../../worker/query/plan";
import type { Refused } from "../../../worker/refusal";

/** What one site counted in one minute. */
export interface Counted {
  /** Start of the minute, seconds since the epoch. */
  minute: number;
  site: string;
  status: string;
  count: number;
}

const STATUSES = ["ok", "error"];
const HOUR = 3600;
const DAY = 86_400;

const metric = (name: string, kind: Metric["kind"], more: Partial<Metric> = {}): Metric => {
  const labels = [{ name: "status", values: STATUSES }];
  return { id: name.length, name, kind, unit: "", help: "Things.", parameter: 0, labelIds: [1], labels, ...more };
};

/** A counter and a top, both by status. */
export const METRICS: readonly Metric[] = [
  metric("things_total", "counter"),
  metric("things_open", "gauge"),
  metric("things_top", "top", { keys: [{ name: "thing", type: "text" }] }),
  metric("things_calls", "breakdown", { keys: [{ name: "thing", type: "text" }] }),
];

export const RETENTION = [2 * DAY, 30 * DAY, 400 * DAY];

/** A tenant at a time; `asked` takes every plan that it is asked. */
export function modelTenant(counts: readonly Counted[], nowSeconds: number, asked: Plan[] = [], retention = RETENTION): Tenant {
  const sites = [...new Set(counts.map(({ site }) => site))];
  return {
    ask: async (plans) => {
      asked.push(...plans);
      return plans.map((plan) => answerOf(counts, plan, nowSeconds, retention));
    },
    catalog: catalogOf(METRICS),
    tags: new Map([["site", sites]]),
    nowSeconds,
    dueSeconds: 55,
    retention,
  };
}

/** Answers as an object does: what was counted, where nothing is asked that is not kept so finely any more. */
function answerOf(counts: readonly Counted[], plan: Plan, nowSeconds: number, retention: readonly number[]): Answer | Refused {
  const finest = (time: number) => {
    if (time >= Math.floor((nowSeconds - retention[0]!) / HOUR) * HOUR) return 60;
    return time >= Math.floor((nowSeconds - retention[1]!) / DAY) * DAY ? HOUR : DAY;
  };
  const rows = new Map<string, FlatRow & { value: number }>();
  for (const { minute, site, status, count } of counts) {
    if (minute < plan.from || minute >= plan.to) continue;
    if (plan.tagConditions.some(({ tag, values }) => !values.includes(tag === "site" ? site : ""))) continue;
    if (plan.labelValues[0]?.includes(STATUSES.indexOf(status)) === false) continue;
    const start = plan.from + Math.floor((minute - plan.from) / plan.step) * plan.step;
    const unit = finest(minute);
    if (start % unit !== 0 || Math.min(start + plan.step, plan.to) % unit !== 0) {
      return { status: 422, code: "too_fine", reason: `${plan.from} to ${plan.to} by ${plan.step} cuts what is kept` };
    }
    const head: FlatRow = { time: new Date(start * 1000).toISOString() };
    if (plan.byTags.includes("site")) head.site = site;
    if (plan.byLabels & 1) head.status = status;
    if (plan.operation === "top") head.key = `thing-${status}`;
    const key = JSON.stringify(head);
    const row = rows.get(key) ?? { ...head, value: 0 };
    row.value += count;
    rows.set(key, row);
  }
  if (rows.size > ROWS_MAX) return { status: 422, code: "too_much", reason: "too many rows" };
  return { data: [...rows.values()], meta: { missing_edges: [], missing_edges_count: 0, set_apart: 0 } } as unknown as Answer;
}
