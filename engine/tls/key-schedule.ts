/** Keys of TLS 1.2 and 1.3 out of secrets, and records opened with them. */
import { ascii, joined } from "./bytes";
import { type CipherName, type Ciphers, type HashName, TAG_BYTES, type Unseal } from "./ciphers";

/** A cipher of records, its hash, and bytes of its key. */
export interface Suite {
  cipher: CipherName;
  hash: HashName;
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

/** The nonce of record `sequence`: the number is put over the end of the sender's own bytes (RFC 8446 section 5.3). */
function nonceOf(iv: Uint8Array, sequence: number): Uint8Array {
  const nonce = Uint8Array.from(iv);
  const view = new DataView(nonce.buffer);
  view.setUint32(NONCE_BYTES - 4, view.getUint32(NONCE_BYTES - 4) ^ sequence);
  return nonce;
}

/** HKDF-Expand-Label (RFC 8446 section 7.1) without a context, of no more bytes than the hash has. */
function expandLabel(ciphers: Ciphers, { hash }: Suite, secret: Uint8Array, label: string, bytes: number): Uint8Array {
  const name = ascii(`tls13 ${label}`);
  const info = joined(Uint8Array.of(bytes >> 8, bytes & 255, name.length), name, Uint8Array.of(0, 1));
  return ciphers.hmac(hash, secret, info).subarray(0, bytes);
}

/** A sender's keys under a secret of TLS 1.3. */
export class ThirteenKeys implements SenderKeys {
  private readonly unseal: Unseal;
  private readonly iv: Uint8Array;
  private after: ThirteenKeys | undefined;

  constructor(
    private readonly ciphers: Ciphers,
    private readonly suite: Suite,
    private readonly secret: Uint8Array,
  ) {
    this.unseal = ciphers.unsealerOf(suite.cipher, expandLabel(ciphers, suite, secret, "key", suite.keyBytes));
    this.iv = expandLabel(ciphers, suite, secret, "iv", NONCE_BYTES);
  }

  open(sequence: number, record: Uint8Array): Uint8Array | undefined {
    if (record.length < HEADER_BYTES + TAG_BYTES) return undefined;
    return this.unseal(nonceOf(this.iv, sequence), record.subarray(0, HEADER_BYTES), record.subarray(HEADER_BYTES));
  }

  /** The keys behind a KeyUpdate (RFC 8446 section 7.2), made when they are first asked for. */
  get following(): ThirteenKeys {
    if (this.after === undefined) {
      const { ciphers, suite, secret } = this;
      this.after = new ThirteenKeys(ciphers, suite, expandLabel(ciphers, suite, secret, "traffic upd", secret.length));
    }
    return this.after;
  }
}

/** A sender's keys in TLS 1.2. */
class TwelveKeys implements SenderKeys {
  constructor(
    private readonly suite: Suite,
    private readonly unseal: Unseal,
    private readonly iv: Uint8Array,
  ) {}

  open(sequence: number, record: Uint8Array): Uint8Array | undefined {
    const isGcm = this.suite !== CHACHA;
    const start = HEADER_BYTES + (isGcm ? EXPLICIT_NONCE_BYTES : 0);
    const length = record.length - start - TAG_BYTES;
    if (length < 0) return undefined;
    const nonce = isGcm ? joined(this.iv, record.subarray(HEADER_BYTES, start)) : nonceOf(this.iv, sequence);
    const header = new Uint8Array(13);
    const view = new DataView(header.buffer);
    view.setUint32(4, sequence);
    header.set(record.subarray(0, 3), 8);
    view.setUint16(11, length);
    return this.unseal(nonce, header, record.subarray(start));
  }
}

/** P_hash (RFC 5246 section 5) of `bytes` bytes. */
function expand(ciphers: Ciphers, hash: HashName, secret: Uint8Array, seed: Uint8Array, bytes: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let have = 0;
  for (let a = seed; have < bytes; ) {
    a = ciphers.hmac(hash, secret, a);
    const part = ciphers.hmac(hash, secret, joined(a, seed));
    parts.push(part);
    have += part.length;
  }
  return joined(...parts).subarray(0, bytes);
}

/** The keys of both sides out of the master secret (RFC 5246 section 6.3), the client's first. */
export function twelveKeys(
  ciphers: Ciphers,
  suite: Suite,
  master: Uint8Array,
  clientRandom: Uint8Array,
  serverRandom: Uint8Array,
): [SenderKeys, SenderKeys] {
  const { cipher, hash, keyBytes } = suite;
  const ivBytes = suite === CHACHA ? NONCE_BYTES : IMPLICIT_NONCE_BYTES;
  const seed = joined(ascii("key expansion"), serverRandom, clientRandom);
  const block = expand(ciphers, hash, master, seed, 2 * (keyBytes + ivBytes));
  const ivs = block.subarray(2 * keyBytes);
  const keysOf = (side: number) =>
    new TwelveKeys(
      suite,
      ciphers.unsealerOf(cipher, block.subarray(side * keyBytes, (side + 1) * keyBytes)),
      ivs.subarray(side * ivBytes, (side + 1) * ivBytes),
    );
  return [keysOf(0), keysOf(1)];
}
