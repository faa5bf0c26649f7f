/** Ciphers of the page: they open what node:crypto seals, and refuse what was changed; and a capture opened with them is what its client sent. */
import { createCipheriv, createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { CipherName, HashName, Unseal } from "../../engine/tls/ciphers";
import { KeyLines } from "../../engine/tls/key-lines";
import { Secrets } from "../../engine/tls/secrets";
import { SecretsOpener } from "../../engine/tls/secrets-opener";
import { nodeCiphers } from "../../shim/tls/node-ciphers";
import { keyLogOpener } from "../../shim/tls/opener";
import { nobleCiphers } from "../../web/capture/noble-ciphers";
import { numbers } from "../support/record-lengths";
import { ROOT } from "../support/repository";
import { readRoundTrips } from "../support/round-trips";

const CIPHERS: [CipherName, number][] = [
  ["aes-128-gcm", 16],
  ["aes-256-gcm", 32],
  ["chacha20-poly1305", 32],
];
const TAG_BYTES = 16;
const RECORD_BYTES_MAX = 16_384 + 256;
const ROUNDS = 60;
const KEYS = join(ROOT, "test/fixtures/h2_tls.keys");
const PATH = join(ROOT, "test/fixtures/h2_tls.pcap");

function randomBytes(below: (limit: number) => number, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => below(256));
}

/** Seals by OpenSSL; the record lies at some place of a larger memory, as those of the core do. */
function sealed(
  cipher: CipherName,
  key: Uint8Array,
  nonce: Uint8Array,
  header: Uint8Array,
  plaintext: Uint8Array,
  place: number,
) {
  const form = createCipheriv(cipher as "chacha20-poly1305", key, nonce, { authTagLength: TAG_BYTES });
  form.setAAD(header, { plaintextLength: plaintext.length });
  const bytes = Buffer.concat([form.update(plaintext), form.final(), form.getAuthTag()]);
  const memory = new Uint8Array(place + bytes.length + 7).fill(0xa5);
  memory.set(bytes, place);
  return memory.subarray(place, place + bytes.length);
}

describe.each(CIPHERS)("%s", (cipher, keyBytes) => {
  test("opens what OpenSSL seals, and nothing that was changed", () => {
    const below = numbers(keyBytes + cipher.length);
    for (let round = 0; round < ROUNDS; round++) {
      const key = randomBytes(below, keyBytes);
      const nonce = randomBytes(below, 12);
      const header = randomBytes(below, [5, 13][round % 2]!);
      const length = [0, 1, 15, 16, 17, 31, 33, RECORD_BYTES_MAX, below(300), below(RECORD_BYTES_MAX)][round % 10]!;
      const plaintext = randomBytes(below, length);
      const record = sealed(cipher, key, nonce, header, plaintext, round % 9);
      const [noble, node] = [nobleCiphers, nodeCiphers].map((ciphers) => ciphers.unsealerOf(cipher, key)) as [Unseal, Unseal];
      expect(Buffer.compare(noble(nonce, header, record)!, plaintext), `${length} bytes`).toBe(0);
      expect(Buffer.compare(node(nonce, header, record)!, plaintext)).toBe(0);
      for (const part of [record, record.subarray(length), nonce, header]) {
        const [at, bit] = [below(part.length), 1 << below(8)];
        part[at]! ^= bit;
        expect([noble(nonce, header, record), node(nonce, header, record)]).toEqual([undefined, undefined]);
        part[at]! ^= bit;
      }
      expect(noble(nonce, header, record)).toEqual(Uint8Array.from(plaintext));
    }
  });
});

test.each<HashName>(["sha256", "sha384"])("HMAC with %s is OpenSSL's, of secrets and texts of any length", (hash) => {
  const below = numbers(hash.length);
  for (const secretBytes of [0, 1, 32, 48, 64, 65, 128, 129, 300]) {
    for (const bytes of [0, 1, 55, 56, 64, 111, 112, 128, 1000]) {
      const [secret, message] = [randomBytes(below, secretBytes), randomBytes(below, bytes)];
      expect(Buffer.from(nobleCiphers.hmac(hash, secret, message))).toEqual(createHmac(hash, secret).update(message).digest());
    }
  }
});

test("a capture opened with them is what its client sent, as with node's", () => {
  const secrets = new Secrets();
  const lines = new KeyLines(secrets);
  lines.take(readFileSync(KEYS));
  lines.end();
  const opener = new SecretsOpener(nobleCiphers, secrets, true);
  const trips = readRoundTrips(readFileSync(PATH), { tlsOpener: opener });
  expect(trips).toEqual(readRoundTrips(readFileSync(PATH), { tlsOpener: keyLogOpener(KEYS) }));
  const { sent } = JSON.parse(readFileSync(join(ROOT, "test/fixtures/h2_tls.truth.json"), "utf8"));
  const inside = trips.filter(({ marks }) => marks.includes("tls"));
  expect(inside.length).toBe(sent["h2 GET"] + sent["http1 GET"]);
  expect(opener.opened).toBe(new Set(inside.map(({ client }) => client.port)).size);
});
