/** Answers that several objects give together: each merges what it has, and the merges are merged here. */
import { core } from "../core";
import type { Environment } from "../environment";
import { FAN_OUT_AT_A_TIME, FAN_OUT_BYTES_MAX, FAN_OUT_OBJECTS_MAX, MISSING_EDGES_MAX } from "../limits";
import { formatName, parseName, rootOf } from "../names";
import { type Answer, answerOf, readCells, selectionOf } from "../object/answer";
import { bytesOfParts } from "../object/bytes";
import { type Cell, type CellPlace, Cells, nameOf, notOne, type Share, tooManyBytes } from "../object/cells";
import type { Hub } from "../object/hub";
import type { Window } from "../object/parts";
import { mergeParts } from "../object/seal";
import type { Plan } from "../query/plan";
import type { Refused } from "../refusal";

type Stub = DurableObjectStub<Hub>;

/** Names of all objects that a window may lie in, the root first, then shards as they came. */
export async function objectsIn(
  environment: Environment,
  tenant: string,
  window: Pick<Window, "from" | "to" | "tagConditions">,
): Promise<string[]> {
  const root = formatName(rootOf(tenant));
  const shards = await environment.HUB.getByName(root).listShards(window);
  // An object is reached by its name alone, so that of another tenant must never come from here.
  const other = shards.find((name) => parseName(name).tenant !== tenant);
  if (other !== undefined) throw new Error(`${other} is listed as a shard of ${tenant}`);
  return [root, ...shards];
}

/** Asks every object that a window may lie in, FAN_OUT_AT_A_TIME at a time; the root for what edges sent to it alone. */
export async function askObjects<Told extends object>(
  environment: Environment,
  tenant: string,
  window: Pick<Window, "from" | "to" | "tagConditions">,
  ask: (object: Stub, isRoot: boolean, name: string) => Promise<Told | Refused>,
  take: (told: Told) => Refused | null,
): Promise<Refused | null> {
  const names = await objectsIn(environment, tenant, window);
  const shards = names.length - 1;
  if (shards > FAN_OUT_OBJECTS_MAX) {
    const instead = Number.isFinite(window.to) ? "name the shards' tag in where" : "shard the tenant by a tag with fewer values";
    const reason = `this lies in ${shards} shards, of which ${FAN_OUT_OBJECTS_MAX} are asked at the most; ${instead}`;
    return { status: 422, code: "too_much", reason };
  }
  return askEach(environment, tenant, names, ask, take);
}

/** Asks objects by their names, FAN_OUT_AT_A_TIME at a time. */
export async function askEach<Told extends object>(
  environment: Environment,
  tenant: string,
  names: readonly string[],
  ask: (object: Stub, isRoot: boolean, name: string) => Promise<Told | Refused>,
  take: (told: Told) => Refused | null,
): Promise<Refused | null> {
  const root = formatName(rootOf(tenant));
  const waiting = [...names];
  let refused: Refused | null = null;
  const worker = async () => {
    for (let name = waiting.shift(); name !== undefined && refused === null; name = waiting.shift()) {
      const told = await ask(environment.HUB.getByName(name), name === root, name);
      refused ??= "status" in told ? told : take(told);
    }
  };
  await Promise.all(Array.from({ length: FAN_OUT_AT_A_TIME }, worker));
  return refused;
}

/** Answers one query out of the shares of all objects, or of those that are named. */
export async function answerTogether(
  environment: Environment,
  tenant: string,
  plan: Plan,
  names?: readonly string[],
): Promise<Answer | Refused> {
  const shares = new Shares(plan);
  const ask = async (object: Stub, isRoot: boolean): Promise<object | Refused> => {
    let after: CellPlace | null = null;
    do {
      const share: Share | Refused = await object.share({ ...plan, isOwn: isRoot }, after);
      if ("status" in share) return share;
      const refused = shares.add(share, after === null);
      if (refused !== null) return refused;
      after = share.last;
    } while (after !== null);
    return {};
  };
  const take = () => null;
  const refused = await (names === undefined
    ? askObjects(environment, tenant, plan, ask, take)
    : askEach(environment, tenant, names, ask, take));
  return refused ?? shares.answer(Date.now());
}

/** All bundles of a window, of all objects or those that are named, merged into one, of one metric's number or of all. */
export async function sketchTogether(
  environment: Environment,
  tenant: string,
  window: Window,
  metric?: number,
  names?: readonly string[],
): Promise<Uint8Array | Refused> {
  let sum: Uint8Array = new Uint8Array(0);
  const ask = async (object: Stub, isRoot: boolean): Promise<{ part: Uint8Array } | Refused> => {
    const part = await object.sketch({ ...window, isOwn: isRoot }, metric);
    return "status" in part ? part : { part };
  };
  const take = ({ part }: { part: Uint8Array }) => {
    if (part.byteLength === 0) return null;
    const merged = sum.byteLength === 0 ? part : core().mergeWhole([sum, part], metric);
    sum = merged ?? sum;
    return merged === null ? notOne() : null;
  };
  const refused = await (names === undefined
    ? askObjects(environment, tenant, window, ask, take)
    : askEach(environment, tenant, names, ask, take));
  return refused ?? sum;
}

/** The sum of shares, held merged cell by cell. */
class Shares {
  private readonly cells = new Cells<Uint8Array>();
  private bytes = 0;
  private revision = 0;
  private resolution = 0;
  private setApart = 0;
  private keptFrom = 0;
  private readonly completeness = {
    complete: true,
    completeUntil: Number.POSITIVE_INFINITY,
    missing: { names: [] as string[], count: 0 },
  };

  constructor(private readonly plan: Plan) {}

  /** Takes a page of an object's share; what the first says of it holds for all, so that what changes meanwhile is newer than is told. */
  add(share: Share, isFirst: boolean): Refused | null {
    for (const cell of share.cells) this.addCell(cell);
    this.setApart += share.setApart;
    if (isFirst) this.addFacts(share);
    return this.bytes > FAN_OUT_BYTES_MAX ? tooManyBytes() : null;
  }

  private addFacts(share: Share): void {
    // Each rises when something changes, and so does their sum.
    this.revision += share.revision;
    this.resolution = Math.max(this.resolution, share.resolution);
    this.keptFrom = Math.max(this.keptFrom, share.keptFrom ?? 0);
    const { complete, completeUntil, missing } = share.completeness;
    this.completeness.complete &&= complete;
    this.completeness.completeUntil = Math.min(this.completeness.completeUntil, completeUntil);
    this.completeness.missing.names.push(...missing.names);
    this.completeness.missing.count += missing.count;
  }

  private addCell(cell: Cell<Uint8Array>): void {
    const { start, tags, samplingRate } = cell;
    const sum = this.cells.at(start, nameOf(tags, samplingRate), () => ({ ...cell, parts: [] }));
    const merged = mergeParts(core(), [...sum.parts, ...cell.parts]);
    this.bytes += bytesOfParts(merged.parts) - bytesOfParts(sum.parts);
    this.setApart += merged.setApart;
    sum.parts = [...merged.parts];
  }

  answer(nowMs: number): Answer | Refused {
    const { plan, revision, resolution, keptFrom } = this;
    const read = readCells(this.cells.inOrder(), plan, nowMs / 1000, ({ parts }) => {
      const rows = core().rows(parts, selectionOf(plan));
      return typeof rows === "string" ? null : { rows, setApart: 0 };
    });
    if ("status" in read) return read;
    const { complete, completeUntil, missing } = this.completeness;
    const names = missing.names.sort().slice(0, MISSING_EDGES_MAX);
    const completeness = { complete, completeUntil, missing: { names, count: missing.count } };
    const setApart = this.setApart + read.setApart;
    return answerOf(plan, read.data, { revision, resolution, setApart, completeness, keptFrom });
  }
}
