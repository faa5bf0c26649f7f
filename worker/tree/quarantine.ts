/**
 * Quarantine of an edge, which may post to any object of a tenant: the root keeps the list of quarantined edges and every object a copy.
 * The root's changes first, then the copies; an object that is enrolled later gets the list then. So each step may be done again.
 */
import type { Environment } from "../environment";
import { EDGE_MINUTES_SECONDS, MINUTE_SECONDS } from "../limits";
import { formatName, rootOf } from "../names";
import type { Settled } from "../object/custody";
import type { RecutReport } from "../object/cutter";
import { unknownEdge } from "../object/edge-parts";
import type { Hub } from "../object/hub";
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
  if (names.length === 0) throw refusal(unknownEdge(edge));
  let keptFrom = startOf(Date.now() / 1000 - EDGE_MINUTES_SECONDS);
  for (const name of names) keptFrom = Math.max(keptFrom, await environment.HUB.getByName(name).edgeMinutesFrom());
  const first = from === null ? keptFrom : startOf(from);
  if (first < keptFrom) throw refusal(tooOld(keptFrom));
  const sum = { minutes: 0, bundles: 0, waiting: new Set<number>(), refused: new Set<number>() };
  for (const name of names) await recutIn(environment.HUB.getByName(name), edge, first, sum);
  const timesOf = (minutes: ReadonlySet<number>) => [...minutes].sort((a, b) => a - b).map(formatTime);
  const { minutes, bundles, waiting, refused } = sum;
  return { edge, from: formatTime(first), minutes, bundles, waiting: timesOf(waiting), not_recut: timesOf(refused) };
}

/** Takes an edge out of the minutes of one object, and adds to what came of it. */
async function recutIn(object: DurableObjectStub<Hub>, edge: string, first: number, sum: RecutSum): Promise<void> {
  for (let next: number | null = first; next !== null; ) {
    const told: RecutReport | Refused = await object.recut(edge, next);
    if ("status" in told) throw refusal(told);
    sum.minutes += told.minutes;
    sum.bundles += told.bundles;
    next = told.next;
    for (const minute of told.refused) if (minute >= first) sum.refused.add(minute);
    if (next === null) for (const minute of told.waiting) sum.waiting.add(minute);
  }
}

interface RecutSum {
  minutes: number;
  bundles: number;
  waiting: Set<number>;
  refused: Set<number>;
}

function startOf(seconds: number): number {
  return Math.floor(seconds / MINUTE_SECONDS) * MINUTE_SECONDS;
}

function tooOld(keptFrom: number): Refused {
  const reason = `what single edges posted is there from ${formatTime(keptFrom)} on; tiles of minutes before cannot be made without one of them`;
  return { status: 422, code: "edge_minutes_gone", reason };
}

function refusal({ status, code, reason }: Refused): Refusal {
  return new Refusal(status, code, reason);
}
