/** A client of the hub under test. */
import { env, exports } from "cloudflare:workers";
import { deriveKey, importMaster, type KeyHolder } from "../../../engine/keys";
import type { FlatRow } from "../../../worker/query/flatten";

/** The last minute that has ended, and was due, some time ago. */
export const MINUTE = Math.floor(Date.now() / 60_000) * 60 - 120;

export interface Told {
  status: number;
  error?: string;
  reason?: string;
  stored?: boolean;
}

export interface Answered {
  data: FlatRow[];
  meta: Record<string, unknown> & { revision: number };
}

/** The authorization header of a key's holder. */
export async function bearer(holder: KeyHolder, master = env.MASTER_KEY): Promise<string> {
  return `Bearer ${await deriveKey(await importMaster(master), holder)}`;
}

export const writeKey = (tenant: string, edge = "edge") => bearer({ kind: "write", tenant, edge });
export const readKey = (tenant: string) => bearer({ kind: "read", tenant, edge: "" });

/** One request; what its answer says of it. */
export async function call(path: string, init: RequestInit = {}): Promise<Told> {
  const response = await exports.default.fetch(`http://hub${path}`, init);
  const { status: outcome, error, reason } = await response.json<{ status?: string; error?: string; reason?: string }>();
  return { status: response.status, error, reason, ...(outcome === undefined ? {} : { stored: outcome === "stored" }) };
}

/** Posts one bundle. */
export async function post(tenant: string, edge: string, body: BodyInit, headers: Record<string, string> = {}): Promise<Told> {
  return call("/v1/ingest", { method: "POST", body, headers: { authorization: await writeKey(tenant, edge), ...headers } });
}

/** Gets JSON with a read key. */
export async function get<T>(tenant: string, path: string): Promise<T> {
  const response = await exports.default.fetch(`http://hub${path}`, { headers: { authorization: await readKey(tenant) } });
  if (!response.ok) throw new Error(await response.text());
  return response.json<T>();
}

/** Asks one question about the minutes around MINUTE. */
export function ask(tenant: string, search: string, window = `from=${MINUTE - 600}&to=${MINUTE + 60}`): Promise<Answered> {
  return get<Answered>(tenant, `/v1/query?${window}&${search}`);
}

/** Rows without their times. */
export function timeless(rows: FlatRow[]): FlatRow[] {
  return rows.map(({ time: _, ...row }) => row);
}

export const hubOf = (tenant: string) => env.HUB.getByName(`${tenant}/root/1/0`);
