/**
 * The signature of a posted bundle: HMAC-SHA-256 under the edge's write key over all that the bundle comes with and the body, so that none
 * of it can be exchanged on the way:
 *
 *     "tallywire-bundle-1" LF tallywire-clock LF tallywire-tags LF content-encoding LF body
 *
 * In the header `tallywire-signature` it stands as `sha256=` and 64 hex digits.
 */

/** Headers under a signature, as they are sent; empty where they are not. */
export interface SignedHeaders {
  clock: string;
  tags: string;
  encoding: string;
}

const FORM = /^sha256=([0-9a-f]{64})$/;

/** Imports a secret's text, such as a write key, for `sign` and `verify`. */
export function importSigner(key: string): Promise<CryptoKey> {
  const bytes = new TextEncoder().encode(key);
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
}

/** The header's value. */
export function sign(signer: CryptoKey, headers: SignedHeaders, body: Uint8Array): Promise<string> {
  return signBytes(signer, signed(headers, body));
}

/** The header's value for what the hub itself posts: of the body alone. */
export function signText(signer: CryptoKey, body: string): Promise<string> {
  return signBytes(signer, new TextEncoder().encode(body));
}

async function signBytes(signer: CryptoKey, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", signer, bytes));
  return `sha256=${[...mac].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** Whether a header's value is the signature of these, compared in constant time. */
export async function verify(signer: CryptoKey, header: string, headers: SignedHeaders, body: Uint8Array): Promise<boolean> {
  const hex = FORM.exec(header)?.[1];
  if (hex === undefined) return false;
  const mac = Uint8Array.from({ length: 32 }, (_, index) => Number.parseInt(hex.slice(index * 2, index * 2 + 2), 16));
  return crypto.subtle.verify("HMAC", signer, mac, signed(headers, body));
}

function signed({ clock, tags, encoding }: SignedHeaders, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode(`tallywire-bundle-1\n${clock}\n${tags}\n${encoding}\n`);
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}
