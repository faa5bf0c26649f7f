/**
 * Quarantine of an edge, which may post to any object of a tenant: the root keeps the list of quarantined edges and every object a copy.
 * The root's changes first, then the copies; an object that is enrolled later gets the list then. So each step may be done again.
 */
import type { Environment } from "../environment";
import { EDGE_MINUTES_SECONDS, MINUTE_SECONDS } from "../limits";
import { formatName, rootOf } from "../names";
import type { RecutReport, Settled } from "../object/custody";
import { unknownEdge } from "../object/edge-parts";
import type { QuarantineList } from "../object/quarantine";
import { Refusal, type Refused } from "../refusal";
import { formatTime } from "../time";
import { askObjects } from "./fan-out";
import { ALWAYS, objectsOfEdge } from "./fleet";

type Action = "quarantine" | "release" | "drop";

const HOW = { quarantine: "keep", release: "release", drop: "drop" } as const;

/** Quarantines an edge, or ends it: what is kept apart counts as late, or is forgotten. Throws Refusal. */
export async function changeQuarantine(environment: Environment, tenant: string, edge: string, action: Action): Promise<object> {
  if ((await objectsOfEdge(environment, { tenant, where: [] }, edge)).length === 0) throw refusal(unknownEdge(edge));
  const root = environment.HUB.getByName(formatName(rootOf(tenant)));
  const list: QuarantineList | Refused = await root.listQuarantined(edge, action === "quarantine");
  if ("status" in list) throw refusal(list);
  const sum: Settled = { bundles: 0, lost: 0 };
  const refused = await askObjects<Settled>(
    environment,
    tenant,
    ALWAYS,
    (object) => object.settle(list, edge, HOW[action]),
    ({ bundles, lost }) => {
      sum.bundles += bundles;
      sum.lost += lost;
      return null;
    },
  );
  if (refused !== null) throw refusal(refused);
  const done = { quarantine: "kept_apart", release: "released", drop: "dropped" }[action];
  return { edge, quarantined: action === "quarantine", [done]: sum.bundles, lost: sum.lost };
}

/** Takes what a quarantined edge posted since `from` out of its tiles; as far back as can be where that is null. Throws Refusal. */
export async function recutEdge(environment: Environment, tenant: string, edge: string, from: number | null): Promise<object> {
  const names = await objectsOfEdge(environment, { tenant, where: [] }, edge);
  const root = formatName(rootOf(tenant));
  if (names.length === 0) throw refusal(unknownEdge(edge));
  if (names.some((name) => name !== root)) throw refusal(inTree());
  const object = environment.HUB.getByName(root);
  const now = Date.now() / 1000;
  const keptFrom = Math.max(await object.edgeMinutesFrom(), startOf(now - EDGE_MINUTES_SECONDS));
  const first = from === null ? keptFrom : startOf(from);
  if (first < keptFrom) throw refusal(tooOld(keptFrom));
  const report: RecutReport = { minutes: 0, bundles: 0, next: first };
  while (report.next !== null) {
    const told: RecutReport | Refused = await object.recut(edge, report.next);
    if ("status" in told) throw refusal(told);
    report.minutes += told.minutes;
    report.bundles += told.bundles;
    report.next = told.next;
  }
  return { edge, from: formatTime(first), minutes: report.minutes, bundles: report.bundles };
}

function startOf(seconds: number): number {
  return Math.floor(seconds / MINUTE_SECONDS) * MINUTE_SECONDS;
}

function tooOld(keptFrom: number): Refused {
  const reason = `what single edges posted is there from ${formatTime(keptFrom)} on; tiles of minutes before cannot be made without one of them`;
  return { status: 422, code: "edge_minutes_gone", reason };
}

function inTree(): Refused {
  const reason =
    "the edge posts to a shard, whose minutes are merged in the root: they cannot be taken out there; quarantine keeps out what comes from now on";
  return { status: 422, code: "recut_in_tree", reason };
}

function refusal({ status, code, reason }: Refused): Refusal {
  return new Refusal(status, code, reason);
}
