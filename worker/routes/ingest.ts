import { Hono } from "hono";
import { authorize } from "../authorize";
import { inflateBody, parseEncoding, readBody } from "../body";
import type { Environment } from "../environment";
import { BUNDLE_BYTES_MAX, VERSION_LENGTH_MAX, WIRE_BYTES_MAX } from "../limits";
import { formatName, rootOf } from "../names";
import { Refusal } from "../refusal";
import { parseTags } from "../tags";

/** `POST /v1/ingest`: one bundle. Whose it is comes from the key; the tags of the edge come as a header beside it. */
export const ingest = new Hono<{ Bindings: Environment }>().post("/", async (context) => {
  const { tenant, edge } = await authorize(context.req.header("authorization"), context.env, "write");
  const tags = parseTags(context.req.header("tallywire-tags"));
  const clockMs = parseClock(context.req.header("tallywire-clock"));
  const version = (context.req.header("user-agent") ?? "").replace(/[^\x20-\x7e]/g, "").slice(0, VERSION_LENGTH_MAX);
  const encoding = parseEncoding(context.req.header("content-encoding"));
  const body = await readBody(context.req.raw, WIRE_BYTES_MAX);
  const bytes = inflateBody(body, encoding, BUNDLE_BYTES_MAX);
  const hub = context.env.HUB.getByName(formatName(rootOf(tenant)));
  const receipt = await hub.ingest({ edge, tags, version, clockMs, bytes, body, encoding });
  if ("status" in receipt) throw new Refusal(receipt.status, receipt.code, receipt.reason);
  return context.json({ status: receipt.stored ? "stored" : "duplicate", time: receipt.timeMs / 1000 });
});

/** The edge's clock as it sends, unix seconds with a fraction. */
function parseClock(header: string | undefined): number | null {
  if (header === undefined) return null;
  const seconds = /^\d{1,11}(\.\d{1,9})?$/.test(header) ? Number(header) : Number.NaN;
  if (Number.isFinite(seconds)) return seconds * 1000;
  throw new Refusal(400, "bad_clock", "tallywire-clock: send unix seconds like 1767182400.250");
}
