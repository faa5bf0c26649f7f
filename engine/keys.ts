import { decodeConditions, encodeConditions, type KeyCondition } from "./key-conditions";

/**
 * Keys of the hub. A key names its tenant (and edge) and carries a MAC over them, so the hub stores no list of keys:
 *
 *     tw_w_<tenant>.<edge>.<mac>    an edge posts its bundles
 *     tw_r_<tenant>.<mac>           reads what a tenant's edges posted
 *     tw_r_<tenant>.<where>.<mac>   reads what those edges posted that meet the conditions (key-conditions.ts)
 *     tw_a_<tenant>.<mac>           administers a tenant
 *
 * mac = base64url(HMAC-SHA-256(master, "tallywire-key-1" LF kind LF tenant LF (edge or where))), 43 characters.
 */
export type KeyKind = "write" | "read" | "admin";

/** What a key says about its holder. `edge` is empty but for write keys. */
export interface KeyHolder {
  kind: KeyKind;
  tenant: string;
  edge: string;
  /** What a read key is limited to; absent: all of the tenant. */
  where?: readonly KeyCondition[];
}

/** A key taken apart; its MAC is not yet checked. */
export interface ParsedKey extends KeyHolder {
  mac: Uint8Array<ArrayBuffer>;
}

const LETTERS: Record<KeyKind, string> = { write: "w", read: "r", admin: "a" };
const KINDS: Record<string, KeyKind> = { w: "write", r: "read", a: "admin" };
const FORM = /^tw_([wra])_([a-z0-9][a-z0-9-]{0,62})(?:\.([a-zA-Z0-9._-]{1,960}))?\.([A-Za-z0-9_-]{43})$/;
const NAME_FORM = /^tw_w_([a-z0-9][a-z0-9-]{0,62})\.([a-zA-Z0-9][a-zA-Z0-9._-]{0,99})$/;
const TENANT = /^[a-z0-9][a-z0-9-]{0,62}$/;
const EDGE = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}$/;

/** Shortest master key, in characters. */
export const MASTER_LENGTH_MIN = 32;

/** Takes a key apart; null where it does not have the form of one. */
export function parseKey(text: string): ParsedKey | null {
  const parts = FORM.exec(text);
  if (parts === null) return null;
  const kind = KINDS[parts[1] ?? ""];
  const [tenant = "", middle = ""] = parts.slice(2);
  const mac = fromBase64Url(parts[4] ?? "");
  if (mac === null) return null;
  switch (kind) {
    case "write":
      return EDGE.test(middle) ? { kind, tenant, edge: middle, mac } : null;
    case "read": {
      if (middle === "") return { kind, tenant, edge: "", mac };
      const where = decodeConditions(middle);
      return where === null ? null : { kind, tenant, edge: "", where, mac };
    }
    case "admin":
      return middle === "" ? { kind, tenant, edge: "", mac } : null;
    default:
      return null;
  }
}

/** A write key without its MAC, `tw_w_<tenant>.<edge>`: whose signature a request bears that does not carry the key. */
export function nameOfKey(key: ParsedKey): string {
  return `tw_${LETTERS[key.kind]}_${key.tenant}.${key.edge}`;
}

/** Whose name it is; null where it is no write key's, or a whole key. */
export function parseKeyName(text: string): KeyHolder | null {
  if (FORM.test(text)) return null;
  const [, tenant, edge] = NAME_FORM.exec(text) ?? [];
  return tenant === undefined || edge === undefined ? null : { kind: "write", tenant, edge };
}

/** The bytes under a holder's MAC. */
function signed(holder: KeyHolder): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`tallywire-key-1\n${holder.kind}\n${holder.tenant}\n${middleOf(holder)}`);
}

/** What stands between tenant and MAC: the edge, or what the key is limited to. */
function middleOf({ edge, where }: KeyHolder): string {
  return where === undefined ? edge : encodeConditions(where);
}

/** Imports a master key for `deriveKey` and `verifyKey`; throws where it is too short to be a secret. */
export function importMaster(master: string): Promise<CryptoKey> {
  if (master.length < MASTER_LENGTH_MIN) {
    throw new RangeError(`the master key has ${master.length} characters; make one of at least ${MASTER_LENGTH_MIN}`);
  }
  const bytes = new TextEncoder().encode(master);
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
}

/** Makes a holder's key; throws where tenant or edge have not the form of a name. */
export async function deriveKey(master: CryptoKey, holder: KeyHolder): Promise<string> {
  if (!TENANT.test(holder.tenant)) throw new RangeError(`tenant "${holder.tenant}": use a-z, 0-9 and -, at most 63 characters`);
  if (holder.kind === "write" && !EDGE.test(holder.edge)) {
    throw new RangeError(`edge "${holder.edge}": use letters, digits, and . _ -, at most 100 characters`);
  }
  if (holder.kind !== "read" && holder.where !== undefined) throw new RangeError(`a ${holder.kind} key takes no conditions`);
  const named = holder.kind === "write" ? holder : { ...holder, edge: "" };
  const mac = toBase64Url(new Uint8Array(await crypto.subtle.sign("HMAC", master, signed(named))));
  const middle = middleOf(named) === "" ? "" : `.${middleOf(named)}`;
  return `tw_${LETTERS[holder.kind]}_${holder.tenant}${middle}.${mac}`;
}

/** Whether the key's MAC is the master's, compared in constant time. */
export function verifyKey(master: CryptoKey, key: ParsedKey): Promise<boolean> {
  return crypto.subtle.verify("HMAC", master, key.mac, signed(key));
}

/** What a tenant's events are signed with when they are posted to the webhook. */
export async function webhookSecret(master: string, tenant: string): Promise<string> {
  if (!TENANT.test(tenant)) throw new RangeError(`tenant "${tenant}": use a-z, 0-9 and -, at most 63 characters`);
  const text = new TextEncoder().encode(`tallywire-webhook-1\n${tenant}`);
  return toBase64Url(new Uint8Array(await crypto.subtle.sign("HMAC", await importMaster(master), text)));
}

function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** Decodes base64url in its only canonical form; null otherwise. */
function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | null {
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  return toBase64Url(bytes) === text ? bytes : null;
}
