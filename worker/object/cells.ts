import { SHARE_PAGE_BYTES } from "../limits";
import type { MergeCore } from "../merge";
import type { Plan } from "../query/plan";
import type { Refused } from "../refusal";
import { type Tags, tagOf } from "../tags";
import { bytesOfText, type CacheForm, keptOnce } from "./answer-cache";
import { bytesOfParts } from "./bytes";
import { type Completeness, completeness } from "./completeness";
import { type Found, findParts, type Part, readParts, type Source, type Window } from "./parts";
import type { Group } from "./registry";
import { mergeMany } from "./seal";

/** What is merged into one set of rows: one time bucket of one set of tag values. Sampling rates are kept apart: they must not merge. */
export interface Cell<Held> {
  start: number;
  /** The values of the tags that rows are told apart by. */
  tags: Tags;
  samplingRate: number;
  parts: Held[];
}

/** Which cell it is: those of a share come in the order of these. */
export interface CellPlace {
  start: number;
  name: string;
}

/** A page of an object's share of an answer that several objects give: cells, each merged, and what there is to say about all of them. */
export interface Share {
  cells: Cell<Uint8Array>[];
  /** The last cell of the page, where there are others. */
  last: CellPlace | null;
  revision: number;
  resolution: number;
  setApart: number;
  completeness: Completeness;
  keptFrom?: number | undefined;
}

/** Sorts parts by time bucket, tag values and sampling rate; leaves out cells up to one. */
export function cellsOf(found: Found, plan: Plan, after: CellPlace | null = null): Cell<Part>[] {
  const columns = new Map<string, Cell<Part>["tags"]>();
  const columnOf = new Map<Group, string>();
  for (const group of found.groups.values()) {
    const tags: Tags = Object.fromEntries(plan.byTags.map((tag) => [tag, tagOf(group.tags, tag)]));
    const name = nameOf(tags, group.samplingRate);
    columnOf.set(group, name);
    if (!columns.has(name)) columns.set(name, tags);
  }
  const cells = new Cells<Part>();
  for (const part of found.parts) {
    const start = plan.from + Math.floor((part.start - plan.from) / plan.step) * plan.step;
    const name = columnOf.get(part.group)!;
    if (after !== null && (start < after.start || (start === after.start && name <= after.name))) continue;
    const { samplingRate } = part.group;
    cells.at(start, name, () => ({ start, tags: columns.get(name)!, samplingRate, parts: [] })).parts.push(part);
  }
  return cells.inOrder();
}

/** Cells by their time and what tells those of a time apart; names of tags may be long, so none is held twice. */
export class Cells<Held> {
  private readonly cells = new Map<number, Map<string, Cell<Held>>>();

  /** The cell of a time bucket and a name, made where there is none. */
  at(start: number, name: string, make: () => Cell<Held>): Cell<Held> {
    const ofStart = this.cells.get(start) ?? new Map<string, Cell<Held>>();
    this.cells.set(start, ofStart);
    const cell = ofStart.get(name) ?? make();
    ofStart.set(name, cell);
    return cell;
  }

  /** All cells by time, then by their names. */
  inOrder(): Cell<Held>[] {
    const starts = [...this.cells].sort(([a], [b]) => a - b);
    return starts.flatMap(([, named]) => [...named].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, cell]) => cell));
  }
}

/** What tells a cell from others of its time bucket. */
export function nameOf(tags: Tags, samplingRate: number): string {
  return JSON.stringify([tags, samplingRate]);
}

/** The merged cells of a page of a share, and how many bundles are in none of them. */
export type SharedCells = Pick<Share, "cells" | "setApart" | "last">;

/** Shares are kept as they are: what they hold are bytes. */
const SHARES: CacheForm<SharedCells, SharedCells> = {
  pack: (shared) => shared,
  unpack: (shared) => shared,
  bytesOf: ({ cells }) => bytesOfCells(cells),
};

/**
 * A page of this object's share of an answer: the cells of one metric behind one, merged, or as they were the last time where nothing has
 * changed. A page is some SHARE_PAGE_BYTES, so that neither the object nor who asks several holds much at once.
 */
export function shareOf(
  core: MergeCore,
  source: Source,
  plan: Plan & Window,
  after: CellPlace | null,
  nowMs: number,
): Share | Refused {
  const found = findParts(source, plan);
  if ("status" in found) return found;
  const read = () => mergeCells(core, source, found, plan, after);
  const shared = keptOnce(source.answers.shares, found, { ...plan, after }, nowMs / 1000, read, SHARES);
  if ("status" in shared) return shared;
  const { revision, resolution, groups, only } = found;
  const told = completeness(source, plan, groups, nowMs, only?.edge);
  return { ...shared, revision, resolution, completeness: told, keptFrom: only?.keptFrom };
}

function mergeCells(core: MergeCore, source: Source, found: Found, plan: Plan, after: CellPlace | null): SharedCells {
  const cells: Cell<Uint8Array>[] = [];
  let setApart = after === null ? found.setApart : 0;
  let bytes = 0;
  const all = cellsOf(found, plan, after);
  for (const cell of all) {
    const whole = core.merge(readParts(source.sql, cell.parts), plan.metric.id);
    const merged = whole === null ? mergeMany(core, () => readParts(source.sql, cell.parts)) : { parts: [whole], setApart: 0 };
    setApart += merged.setApart;
    cells.push({ ...cell, parts: [...merged.parts] });
    bytes += bytesOfCell(cells.at(-1)!);
    if (bytes > SHARE_PAGE_BYTES) break;
  }
  const isWhole = cells.length === all.length;
  const { start, tags, samplingRate } = cells.at(-1) ?? { start: 0, tags: {}, samplingRate: 1 };
  return { cells, setApart, last: isWhole ? null : { start, name: nameOf(tags, samplingRate) } };
}

/** What cells take in memory: their parts, and about as much as their names besides. */
function bytesOfCells(cells: readonly Cell<Uint8Array>[]): number {
  return cells.reduce((sum, cell) => sum + bytesOfCell(cell), 0);
}

function bytesOfCell({ tags, samplingRate, parts }: Cell<Uint8Array>): number {
  return bytesOfText(nameOf(tags, samplingRate)) + bytesOfParts(parts);
}

/** The refusal of a window whose bundles are not one. */
export function notOne(): Refused {
  const reason = "the window does not merge into one bundle; take a shorter one or one sampling rate";
  return { status: 422, code: "too_much", reason };
}

/** The refusal of an answer whose shares are too large. */
export function tooManyBytes(): Refused {
  const reason =
    "the answer was given up: what the objects of the tree merged for it is too large; take a longer step or name tags in where";
  return { status: 422, code: "too_much", reason };
}
