/** Keys of TLS 1.2 and 1.3 out of secrets, and records opened with them. */
import { createDecipheriv, createHmac, createSecretKey, type KeyObject } from "node:crypto";

/** A cipher of records: its name in OpenSSL, its hash, and bytes of its key. */
export interface Suite {
  cipher: "aes-128-gcm" | "aes-256-gcm" | "chacha20-poly1305";
  hash: "sha256" | "sha384";
  keyBytes: number;
}

/** Keys of one sender. `open` answers the plaintext, or nothing where they do not open the record. */
export interface SenderKeys {
  open(sequence: number, record: Uint8Array): Uint8Array | undefined;
}

const AES_128: Suite = { cipher: "aes-128-gcm", hash: "sha256", keyBytes: 16 };
const AES_256: Suite = { cipher: "aes-256-gcm", hash: "sha384", keyBytes: 32 };
const CHACHA: Suite = { cipher: "chacha20-poly1305", hash: "sha256", keyBytes: 32 };

const THIRTEEN = new Map<number, Suite>([
  [0x1301, AES_128],
  [0x1302, AES_256],
  [0x1303, CHACHA],
]);

/** Suites of TLS 1.2 with such records (RFC 5288, 5289, 5487, 7905, 8442), by their first number and how many follow two by two. */
const TWELVE = new Map<number, Suite>();
for (let pair = 0; pair < 9; pair++) put(0x009c + 2 * pair);
for (let pair = 0; pair < 4; pair++) put(0xc02b + 2 * pair);
put(0xd001);
for (let number = 0xcca8; number <= 0xccae; number++) TWELVE.set(number, CHACHA);

function put(number: number): void {
  TWELVE.set(number, AES_128);
  TWELVE.set(number + 1, AES_256);
}

const HEADER_BYTES = 5;
const TAG_BYTES = 16;
const NONCE_BYTES = 12;
const EXPLICIT_NONCE_BYTES = 8;
const IMPLICIT_NONCE_BYTES = 4;
export const TLS_1_2 = 0x0303;
export const TLS_1_3 = 0x0304;

/** The suite of a number in a version; none where its records are not opened. */
export function suiteOf(version: number, number: number): Suite | undefined {
  if (version === TLS_1_3) return THIRTEEN.get(number);
  return version === TLS_1_2 ? TWELVE.get(number) : undefined;
}

/** Opens sealed bytes with their tag behind them. */
function decrypt(
  suite: Suite,
  key: KeyObject,
  nonce: Uint8Array,
  header: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  // One signature of createDecipheriv for each form of cipher; what they make is used alike.
  const decipher = createDecipheriv(suite.cipher as "chacha20-poly1305", key, nonce, { authTagLength: TAG_BYTES });
  const length = sealed.length - TAG_BYTES;
  decipher.setAAD(header, { plaintextLength: length });
  decipher.setAuthTag(sealed.subarray(length));
  const plaintext = decipher.update(sealed.subarray(0, length));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return plaintext;
}

/** The nonce of record `sequence`: the number is put over the end of the sender's own bytes (RFC 8446 section 5.3). */
function nonceOf(iv: Uint8Array, sequence: number): Uint8Array {
  const nonce = Uint8Array.from(iv);
  const view = new DataView(nonce.buffer);
  view.setUint32(NONCE_BYTES - 4, view.getUint32(NONCE_BYTES - 4) ^ sequence);
  return nonce;
}

/** HKDF-Expand-Label (RFC 8446 section 7.1) without a context, of no more bytes than the hash has. */
function expandLabel(suite: Suite, secret: Uint8Array, label: string, bytes: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([Buffer.from([bytes >> 8, bytes & 255, name.length]), name, Buffer.from([0, 1])]);
  return createHmac(suite.hash, secret).update(info).digest().subarray(0, bytes);
}

/** A sender's keys under a secret of TLS 1.3. */
export class ThirteenKeys implements SenderKeys {
  private readonly key: KeyObject;
  private readonly iv: Uint8Array;

  constructor(
    private readonly suite: Suite,
    private readonly secret: Uint8Array,
  ) {
    this.key = createSecretKey(expandLabel(suite, secret, "key", suite.keyBytes));
    this.iv = expandLabel(suite, secret, "iv", NONCE_BYTES);
  }

  open(sequence: number, record: Uint8Array): Uint8Array | undefined {
    if (record.length < HEADER_BYTES + TAG_BYTES) return undefined;
    const header = record.subarray(0, HEADER_BYTES);
    return decrypt(this.suite, this.key, nonceOf(this.iv, sequence), header, record.subarray(HEADER_BYTES));
  }

  /** The keys behind a KeyUpdate (RFC 8446 section 7.2). */
  next(): ThirteenKeys {
    return new ThirteenKeys(this.suite, expandLabel(this.suite, this.secret, "traffic upd", this.secret.length));
  }
}

/** A sender's keys in TLS 1.2. */
class TwelveKeys implements SenderKeys {
  constructor(
    private readonly suite: Suite,
    private readonly key: KeyObject,
    private readonly iv: Uint8Array,
  ) {}

  open(sequence: number, record: Uint8Array): Uint8Array | undefined {
    const isGcm = this.suite !== CHACHA;
    const start = HEADER_BYTES + (isGcm ? EXPLICIT_NONCE_BYTES : 0);
    const length = record.length - start - TAG_BYTES;
    if (length < 0) return undefined;
    const nonce = isGcm ? Buffer.concat([this.iv, record.subarray(HEADER_BYTES, start)]) : nonceOf(this.iv, sequence);
    const header = new Uint8Array(13);
    const view = new DataView(header.buffer);
    view.setUint32(4, sequence);
    header.set(record.subarray(0, 3), 8);
    view.setUint16(11, length);
    return decrypt(this.suite, this.key, nonce, header, record.subarray(start));
  }
}

/** P_hash (RFC 5246 section 5) of `bytes` bytes. */
function expand(hash: string, secret: Uint8Array, seed: Uint8Array, bytes: number): Buffer {
  const parts: Buffer[] = [];
  let have = 0;
  for (let a: Uint8Array = seed; have < bytes; ) {
    a = createHmac(hash, secret).update(a).digest();
    const part = createHmac(hash, secret).update(a).update(seed).digest();
    parts.push(part);
    have += part.length;
  }
  return Buffer.concat(parts).subarray(0, bytes);
}

/** The keys of both sides out of the master secret (RFC 5246 section 6.3), the client's first. */
export function twelveKeys(
  suite: Suite,
  master: Uint8Array,
  clientRandom: Uint8Array,
  serverRandom: Uint8Array,
): [SenderKeys, SenderKeys] {
  const ivBytes = suite === CHACHA ? NONCE_BYTES : IMPLICIT_NONCE_BYTES;
  const seed = Buffer.concat([Buffer.from("key expansion"), serverRandom, clientRandom]);
  const block = expand(suite.hash, master, seed, 2 * (suite.keyBytes + ivBytes));
  const keyOf = (side: number) => createSecretKey(block.subarray(side * suite.keyBytes, (side + 1) * suite.keyBytes));
  const ivs = block.subarray(2 * suite.keyBytes);
  const ivOf = (side: number) => ivs.subarray(side * ivBytes, (side + 1) * ivBytes);
  return [new TwelveKeys(suite, keyOf(0), ivOf(0)), new TwelveKeys(suite, keyOf(1), ivOf(1))];
}
