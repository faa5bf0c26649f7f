import { Hono } from "hono";
import { parseKey } from "../../engine/keys";
import { authorize } from "../authorize";
import { readBody, readJson } from "../body";
import type { Environment } from "../environment";
import { QUERY_BYTES_MAX } from "../limits";
import { formatName, rootOf } from "../names";
import { Refusal } from "../refusal";
import { formatTime } from "../time";
import { forgetRevoked, nameOfEdge, nameOfKey } from "../tree/revoked";

const EDGE = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}$/;

/** `GET /v1/keys`, `POST /v1/keys/revoke`, `POST /v1/keys/restore`, all with an admin key. */
export const keys = new Hono<{ Bindings: Environment }>()
  .get("/", async (context) => {
    const { tenant } = await authorize(context.req.header("authorization"), context.env, "admin");
    const revoked = await context.env.HUB.getByName(formatName(rootOf(tenant))).listRevoked();
    return context.json({ data: revoked.map(({ name, sinceMs }) => describe(name, sinceMs)) });
  })
  .post("/revoke", async (context) => context.json(await set(context.req.raw, context.env, false)))
  .post("/restore", async (context) => context.json(await set(context.req.raw, context.env, true)));

async function set(request: Request, environment: Environment, isGood: boolean): Promise<object> {
  const header = request.headers.get("authorization");
  const { tenant } = await authorize(header, environment, "admin");
  const given = readJson(await readBody(request, QUERY_BYTES_MAX));
  const name = await nameIn(given, tenant, header ?? "");
  const nowMs = Date.now();
  const refused = await environment.HUB.getByName(formatName(rootOf(tenant))).setRevoked(name, isGood);
  if (refused !== null) throw Refusal.of(refused);
  forgetRevoked(tenant);
  return describe(name, isGood ? null : nowMs);
}

/** The name on the list of what a request is about. */
async function nameIn(given: unknown, tenant: string, header: string): Promise<string> {
  const { key, edge, ...others } = (typeof given === "object" && given !== null ? given : {}) as Record<string, unknown>;
  if (Object.keys(others).length > 0 || (key === undefined) === (edge === undefined)) {
    throw new Refusal(400, "bad_key_request", 'send {"key": "tw_..."} or {"edge": "web-1"}');
  }
  if (edge !== undefined) {
    if (typeof edge === "string" && EDGE.test(edge)) return nameOfEdge(edge);
    throw new Refusal(400, "bad_key_request", "edge: is no name of one; use letters, digits, and . _ -");
  }
  if (typeof key !== "string" || parseKey(key) === null)
    throw new Refusal(400, "bad_key_request", "key: has not the form of one");
  if (parseKey(key)?.tenant !== tenant) throw new Refusal(403, "other_tenant", "key: is another tenant's");
  if (header.includes(key)) throw new Refusal(422, "own_key", "key: is the one that asks; rotate the master key to be rid of it");
  return nameOfKey(key);
}

function describe(name: string, sinceMs: number | null): object {
  const at = name.indexOf(":");
  const what = name.slice(0, at) === "edge" ? { edge: name.slice(at + 1) } : { key_sha256: name.slice(at + 1) };
  return { ...what, revoked: sinceMs === null ? null : formatTime(Math.floor(sinceMs / 1000)) };
}
