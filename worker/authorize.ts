import { importMaster, type KeyHolder, type KeyKind, parseKey, verifyKey } from "../engine/keys";
import type { Environment } from "./environment";
import { Refusal } from "./refusal";

/** Imported masters, by their text: importing takes longer than verifying. */
const imported = new Map<string, Promise<CryptoKey>>();

/** Who holds the request's key; refuses what is no key, a wrong one, or one of another kind. An admin key also reads. */
export async function authorize(header: string | null | undefined, environment: Environment, kind: KeyKind): Promise<KeyHolder> {
  const masters = [environment.MASTER_KEY, environment.MASTER_KEY_PREVIOUS].filter(
    (master) => master !== undefined && master !== "",
  );
  if (masters.length === 0) {
    throw new Refusal(503, "no_master_key", "this hub has no master key; set the secret MASTER_KEY (at least 32 characters)");
  }
  const bearer = /^Bearer +(\S+) *$/i.exec(header ?? "");
  if (bearer === null) throw new Refusal(401, "no_key", `send the header "authorization: Bearer KEY" with a ${kind} key`);
  const key = parseKey(bearer[1] ?? "");
  if (key === null)
    throw new Refusal(401, "bad_key", "the key has not the form of one: tw_w_, tw_r_ or tw_a_, a name, and a MAC");
  let verified = false;
  for (const master of masters) verified = (await verifyKey(await masterKey(master ?? ""), key)) || verified;
  if (!verified) throw new Refusal(401, "bad_key", "the key is not one of this hub's; take one made from its master key");
  if (key.kind !== kind && !(key.kind === "admin" && kind === "read")) {
    throw new Refusal(403, "wrong_kind", `this is a ${key.kind} key; use a ${kind} key here`);
  }
  return { kind: key.kind, tenant: key.tenant, edge: key.edge };
}

function masterKey(master: string): Promise<CryptoKey> {
  const known = imported.get(master);
  if (known !== undefined) return known;
  const key = importMaster(master);
  imported.set(master, key);
  return key;
}
