/** The largest tenant of one object that its limits let in: every table as full as it may be, every text as long. */
import { deflateSync } from "node:zlib";
import {
  BATCH_BUNDLES_MAX,
  EDGES_MAX,
  ENTRY_BYTES,
  GROUPS_MAX,
  MINUTE_BUNDLES_MAX,
  MINUTE_SECONDS,
  QUARANTINED_EDGES_MAX,
  REFUSALS_PER_HOUR_MAX,
  SOURCES_MAX,
  TAG_NAME_LENGTH_MAX,
  TAG_VALUE_LENGTH_MAX,
  TAGS_MAX,
  VERSION_LENGTH_MAX,
} from "../../worker/limits";
import type { Rows } from "./backup-writer";

const EDGES_PER_ROW = 100;
const NAME_CHARACTERS = 100;
const POLICY_CHARACTERS = 63;
const APART_BUNDLES = 20_000;
/** Minutes whose keys are asked for, each as full as it may be. */
const FULL_MINUTES = 3;

/** What is sealed: one bundle in all tiles of these minutes. */
export interface Tiled {
  bundle: Uint8Array;
  minutes: readonly number[];
}

/** Name of one of its edges. */
export const edgeName = (edge: number) => `edge-${edge}-`.padEnd(NAME_CHARACTERS, "x");
/** A policy name as long as may be, of which the tenant's bundles are. */
export const POLICY = "p".repeat(POLICY_CHARACTERS);
/** Name of one of the tags that all its edges have. */
export const tagName = (tag: number) => `tag${tag}`.padEnd(TAG_NAME_LENGTH_MAX, "n");
/** Its value in one set of tags, in characters of two bytes. */
export const tagValue = (group: number) => String(group).padEnd(TAG_VALUE_LENGTH_MAX, "\u4e16");

const bootOf = (source: number) => source.toString(16).padStart(16, "0");

/**
 * Its tables. `thisMinute` is now, `bundle` a small good one of its policy, of which there will be so many bytes in memory unsealed; `tiled` is in a
 * tile of each set of tags in each of some minutes.
 */
export function hostileTenant(thisMinute: number, bundle: Uint8Array, unsealedBytes: number, tiled: Tiled): Rows[] {
  return [
    { table: "numbers", columns: ["name", "value"], rows: [["revision", 1]] },
    { table: "edges", columns: ["id", "name"], rows: listOf(EDGES_MAX, (edge) => [edge, edgeName(edge)]) },
    groups(),
    { table: "sources", columns: ["id", "edge", "boot", "policy"], rows: listOf(SOURCES_MAX, sourceRow) },
    edgeStates(thisMinute),
    minutes(thisMinute),
    refusals(thisMinute),
    quarantined(thisMinute),
    apart(thisMinute, bundle),
    unsealed(thisMinute, bundle, unsealedBytes),
    tiles(tiled),
  ];
}

/** A list of what is made for each number below `count`. */
export const listOf = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

const sourceRow = (index: number) => [index + 1, index % EDGES_MAX, bootOf(index), POLICY];

function groups(): Rows {
  const tagsOf = (group: number) => Object.fromEntries(listOf(TAGS_MAX, (tag) => [tagName(tag), tagValue(group)]));
  const rows = listOf(GROUPS_MAX, (group) => [group, POLICY, 1, JSON.stringify(tagsOf(group)), 0]);
  return { table: "groups", columns: ["id", "policy", "sampling", "tags", "received"], rows };
}

function edgeStates(thisMinute: number): Rows {
  const version = "v".repeat(VERSION_LENGTH_MAX);
  const [first, last] = [thisMinute - 3600, thisMinute - MINUTE_SECONDS];
  const stateOf = (edge: number) => {
    const runs = listOf(SOURCES_MAX / EDGES_MAX, (start) => [start * EDGES_MAX + edge + 1, first, last, 17]);
    return [edge, edge % GROUPS_MAX, version, thisMinute * 1000 + 0.5, last, 12.5, 1234.5, 100, 3, runs];
  };
  const rows = listOf(EDGES_MAX / EDGES_PER_ROW, (part) => {
    return [part, JSON.stringify(listOf(EDGES_PER_ROW, (index) => stateOf(part * EDGES_PER_ROW + index)))];
  });
  return { table: "edge_states", columns: ["part", "data"], rows };
}

function minutes(thisMinute: number): Rows {
  const keys = new Uint32Array(MINUTE_BUNDLES_MAX * 2);
  for (let index = 0; index < MINUTE_BUNDLES_MAX; index += 1) keys[2 * index] = index + 1;
  const edges = new Uint8Array(EDGES_MAX / 8).fill(255);
  const rows = listOf(FULL_MINUTES, (index) => {
    return [thisMinute - (index + 1) * MINUTE_SECONDS, 1, edges, new Uint8Array(keys.buffer), new Uint8Array(0)];
  });
  return { table: "minutes", columns: ["minute", "revision", "edges", "keys", "partial"], rows };
}

function refusals(thisMinute: number): Rows {
  const reason = "\u4e16".repeat(300);
  const hour = Math.floor(thisMinute / 3600) * 3600;
  const counts = listOf(REFUSALS_PER_HOUR_MAX, (edge) => {
    return { edge: edgeName(edge), code: "too_many_groups", count: 5, reason, lastMs: thisMinute * 1000 };
  });
  const rows = listOf(48, (index) => [hour - index * 3600, JSON.stringify(counts)]);
  return { table: "refusals", columns: ["hour", "data"], rows };
}

function quarantined(thisMinute: number): Rows {
  const rows = listOf(QUARANTINED_EDGES_MAX, (edge) => [edgeName(edge), thisMinute * 1000, 0]);
  return { table: "quarantined", columns: ["edge", "since_ms", "lost"], rows };
}

function apart(thisMinute: number, bundle: Uint8Array): Rows {
  const body = deflateSync(bundle);
  const rows = listOf(APART_BUNDLES, (index) => {
    const edge = index % QUARANTINED_EDGES_MAX;
    const entry = JSON.stringify({ group: edge % GROUPS_MAX, skewMs: 1.5, version: "v".repeat(64), encoding: "deflate" });
    const sequence = Math.floor(index / QUARANTINED_EDGES_MAX);
    return [index + 1, edgeName(edge), thisMinute - 600, edge + 1, sequence, thisMinute * 1000, entry, body];
  });
  return { table: "apart", columns: ["id", "edge", "minute", "source", "sequence", "received_ms", "entry", "body"], rows };
}

function tiles({ bundle, minutes: starts }: Tiled): Rows {
  const rows = [...starts]
    .sort()
    .flatMap((start) => listOf(GROUPS_MAX, (group) => [((start / 60) * 4096 + group) * 1024, 1, bundle]));
  return { table: "tiles", columns: ["id", "revision", "data"], rows };
}

/** Bundles of all minutes of a day in turn. */
function unsealed(thisMinute: number, bundle: Uint8Array, bytes: number): Rows {
  const body = deflateSync(bundle);
  const data = new Uint8Array(body.length * BATCH_BUNDLES_MAX);
  for (let index = 0; index < BATCH_BUNDLES_MAX; index += 1) data.set(body, index * body.length);
  const batches = Math.floor(bytes / ((bundle.length + ENTRY_BYTES) * BATCH_BUNDLES_MAX));
  const rows = listOf(batches, (batch) => {
    const entries = listOf(BATCH_BUNDLES_MAX, (index) => {
      const source = ((batch * BATCH_BUNDLES_MAX + index) % SOURCES_MAX) + 1;
      const minute = thisMinute - (11 + (index % 1440)) * MINUTE_SECONDS;
      return [source, index % GROUPS_MAX, minute, 0, thisMinute * 1000 + 0.5, 1.5, "v".repeat(64), body.length, 2];
    });
    return [batch + 2, thisMinute * 1000, data.length, JSON.stringify(entries), data];
  });
  return { table: "batches", columns: ["id", "received_ms", "bytes", "entries", "data"], rows };
}
