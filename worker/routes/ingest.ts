import { type Context, Hono } from "hono";
import { BundleError, readBundleHeader } from "../../engine/bundle";
import type { KeyHolder } from "../../engine/keys";
import { allowanceOf } from "../allowance";
import { authorizeEdge, checkSignature, RevokedKey, type Signatory } from "../authorize";
import { inflateBody, parseEncoding, readBodyWithin } from "../body";
import type { Environment } from "../environment";
import { BUNDLE_BYTES_MAX, MINUTE_SECONDS, RETRY_AFTER_SECONDS, VERSION_LENGTH_MAX, WIRE_BYTES_MAX } from "../limits";
import type { Delivery, Receipt } from "../object/node";
import { Refusal, type Refused } from "../refusal";
import { parseTags } from "../tags";
import { forgetShardMap, shardMapOf } from "../tree/known-maps";
import { noteRefusal } from "../tree/refusals";
import { placeOf } from "../tree/shard-map";

type IngestContext = Context<{ Bindings: Environment }>;

/** `POST /v1/ingest`: one bundle. Whose it is comes from the key; the tags of the edge come as a header beside it. */
export const ingest = new Hono<{ Bindings: Environment }>().post("/", async (context) => {
  const { tenant, edge, bundle } = await readRequest(context);
  const receipt = await send(context.env, tenant, { edge, ...bundle });
  if ("status" in receipt) throw Refusal.of(receipt);
  return context.json({ status: outcomeOf(receipt), time: receipt.timeMs / 1000 });
});

function outcomeOf({ stored, apart }: Exclude<Receipt, Refused>): string {
  if (!stored) return "duplicate";
  return apart === true ? "quarantined" : "stored";
}

type Bundle = Omit<Delivery, "standing" | "edge">;

/** Reads who posts, and what. Counts what it refuses of a known key. */
async function readRequest({ req, env, executionCtx }: IngestContext): Promise<{ tenant: string; edge: string; bundle: Bundle }> {
  let holder: Pick<KeyHolder, "tenant" | "edge"> | null = null;
  try {
    const signatory = await authorizeEdge(req.header("authorization"), env);
    if (signatory.isNameOnly !== true) holder = signatory;
    const bundle = await readBundle(req.raw, env, signatory);
    return { tenant: signatory.tenant, edge: signatory.edge, bundle };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error instanceof RevokedKey && error.holder.kind === "write") holder = error.holder;
    if (holder !== null) noteRefusal(env, executionCtx, holder, error.refused);
    throw error;
  }
}

/** Reads what a request says of its bundle, and the bundle. */
async function readBundle(request: Request, environment: Environment, signatory: Signatory): Promise<Bundle> {
  const header = (name: string) => request.headers.get(name) ?? undefined;
  const given = (name: string) => header(name) ?? "";
  const tags = parseTags(header("tallywire-tags"));
  const clockMs = parseClock(header("tallywire-clock"));
  const version = (header("user-agent") ?? "").replace(/[^\x20-\x7e]/g, "").slice(0, VERSION_LENGTH_MAX);
  const encoding = parseEncoding(header("content-encoding"));
  const body = await readBodyWithin(request, WIRE_BYTES_MAX, allowanceOf(environment).bodySeconds);
  const signed = { clock: given("tallywire-clock"), tags: given("tallywire-tags"), encoding: given("content-encoding") };
  await checkSignature(signatory, environment, header("tallywire-signature"), signed, body);
  return { tags, version, clockMs, bytes: inflateBody(body, encoding, BUNDLE_BYTES_MAX), body, encoding };
}

/** Hands a bundle to the object whose minute it is; asks for the shard map once more where it had changed. */
async function send(environment: Environment, tenant: string, bundle: Omit<Delivery, "standing">): Promise<Receipt> {
  for (let isSecond = false; ; isSecond = true) {
    const map = await shardMapOf(environment, tenant);
    const { name, standing } = placeOf(tenant, map, minuteOf(bundle.bytes), bundle.tags);
    const receipt = await environment.HUB.getByName(name).ingest({ ...bundle, standing });
    if (!("moved" in receipt)) return receipt;
    if (isSecond) throw new Refusal(503, "moved", `the shard map is changing; try again in ${RETRY_AFTER_SECONDS} s`);
    forgetShardMap(tenant);
  }
}

/** The start of a bundle's minute; 0 for bytes that are none, which any object refuses. */
function minuteOf(bytes: Uint8Array): number {
  try {
    return readBundleHeader(bytes).minute * MINUTE_SECONDS;
  } catch (error) {
    if (error instanceof BundleError) return 0;
    throw error;
  }
}

/** The edge's clock as it sends, unix seconds with a fraction. */
function parseClock(header: string | undefined): number | null {
  if (header === undefined) return null;
  const seconds = /^\d{1,11}(\.\d{1,9})?$/.test(header) ? Number(header) : Number.NaN;
  if (Number.isFinite(seconds)) return seconds * 1000;
  throw new Refusal(400, "bad_clock", "tallywire-clock: send unix seconds like 1767182400.250");
}
