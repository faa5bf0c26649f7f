import { describeConditions } from "../engine/key-conditions";
import {
  deriveKey,
  importMaster,
  type KeyHolder,
  type KeyKind,
  type ParsedKey,
  parseKey,
  parseKeyName,
  verifyKey,
} from "../engine/keys";
import { importSigner, type SignedHeaders, verify } from "../engine/signature";
import type { Environment } from "./environment";
import type { TagCondition } from "./query/plan";
import { Refusal } from "./refusal";
import { isRevoked } from "./tree/revoked";

/** Imported masters, by their text: importing takes longer than verifying. */
const imported = new Map<string, Promise<CryptoKey>>();

/** Who asks, and about which edges: those that meet all conditions. */
export interface Reader {
  tenant: string;
  where: readonly TagCondition[];
}

/** A key of this hub that is good no more. */
export class RevokedKey extends Refusal {
  constructor(readonly holder: KeyHolder) {
    super(401, "revoked_key", "this key was revoked; take another");
  }
}

/**
 * Who holds the request's key; refuses what is no key, a wrong one, one of another kind, or one that is limited to some edges. An admin key
 * also reads.
 */
export async function authorize(header: string | null | undefined, environment: Environment, kind: KeyKind): Promise<KeyHolder> {
  const { tenant, edge, where } = await holderOf(header, environment, kind);
  if (where === undefined) return { kind, tenant, edge };
  const reason = `this key is for ${describeConditions(where)} alone; use one of the whole tenant here`;
  throw new Refusal(403, "limited_key", reason);
}

/** Who asks with the request's key. Whoever calls this sees to it that the answer is about those edges only. */
export async function authorizeReader(header: string | null | undefined, environment: Environment): Promise<Reader> {
  const { tenant, where = [] } = await holderOf(header, environment, "read");
  return { tenant, where: where.map((condition) => ({ ...condition })) };
}

/** Whose key a request bears that posts a bundle: with the whole key, or with its name alone, which its signature then stands for. */
export async function authorizeEdge(header: string | null | undefined, environment: Environment): Promise<Signatory> {
  const text = bearerOf(header, "write");
  const named = parseKeyName(text);
  if (named === null) {
    const { tenant, edge } = await holderOf(header, environment, "write");
    return { tenant, edge, keys: async () => [text] };
  }
  const { tenant, edge } = named;
  const keys = () => Promise.all(mastersOf(environment).map(async (master) => deriveKey(await master, named)));
  return { tenant, edge, keys, isNameOnly: true };
}

/** Who posts, and the keys that a signature of theirs may be made with. */
export interface Signatory {
  tenant: string;
  edge: string;
  keys: () => Promise<string[]>;
  /** Whether nothing but a signature shows that it is them. */
  isNameOnly?: boolean;
}

/** Checks what a body was signed with; refuses a wrong signature, and none where one is needed. */
export async function checkSignature(
  { tenant, edge, keys, isNameOnly = false }: Signatory,
  environment: Environment,
  signature: string | undefined,
  headers: SignedHeaders,
  body: Uint8Array,
): Promise<void> {
  if (signature === undefined) {
    if (!isNameOnly && !isSignatureRequired(environment)) return;
    throw new Refusal(401, "no_signature", "sign the bundle: send tallywire-signature, as docs/api.md says");
  }
  let good: string | null = null;
  for (const key of await keys()) if (await verify(await importSigner(key), signature, headers, body)) good = key;
  if (good === null) {
    throw new Refusal(401, "bad_signature", "the signature is not of this body, its headers and this key; sign what is sent");
  }
  const holder: KeyHolder = { kind: "write", tenant, edge };
  if (isNameOnly && (await isRevoked(environment, holder, good))) throw new RevokedKey(holder);
}

function isSignatureRequired({ REQUIRE_SIGNATURE: given }: Environment): boolean {
  if (given === undefined || given === "no") return false;
  if (given === "yes") return true;
  throw new Refusal(503, "bad_setting", `this hub's REQUIRE_SIGNATURE is ${JSON.stringify(given)}: set yes or no`);
}

async function holderOf(header: string | null | undefined, environment: Environment, kind: KeyKind): Promise<ParsedKey> {
  const masters = mastersOf(environment);
  const text = bearerOf(header, kind);
  const key = parseKey(text);
  if (key === null)
    throw new Refusal(401, "bad_key", "the key has not the form of one: tw_w_, tw_r_ or tw_a_, a name, and a MAC");
  let verified = false;
  for (const master of masters) verified = (await verifyKey(await master, key)) || verified;
  if (!verified) throw new Refusal(401, "bad_key", "the key is not one of this hub's; take one made from its master key");
  if (await isRevoked(environment, key, text)) throw new RevokedKey(key);
  if (key.kind !== kind && !(key.kind === "admin" && kind === "read")) {
    throw new Refusal(403, "wrong_kind", `this is a ${key.kind} key; use a ${kind} key here`);
  }
  return key;
}

/** The masters whose keys are good. */
function mastersOf(environment: Environment): Promise<CryptoKey>[] {
  const masters = [environment.MASTER_KEY, environment.MASTER_KEY_PREVIOUS].filter(
    (master): master is string => typeof master === "string" && master !== "",
  );
  if (masters.length > 0) return masters.map(masterKey);
  throw new Refusal(503, "no_master_key", "this hub has no master key; set the secret MASTER_KEY (at least 32 characters)");
}

function bearerOf(header: string | null | undefined, kind: KeyKind): string {
  const bearer = /^Bearer +(\S+) *$/i.exec(header ?? "");
  if (bearer !== null) return bearer[1] ?? "";
  throw new Refusal(401, "no_key", `send the header "authorization: Bearer KEY" with a ${kind} key`);
}

function masterKey(master: string): Promise<CryptoKey> {
  const known = imported.get(master);
  if (known !== undefined) return known;
  const key = importMaster(master);
  imported.set(master, key);
  return key;
}
