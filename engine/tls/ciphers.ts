/** What opening records asks of whoever has ciphers and hashes. All of it answers at once. */

/** Ciphers of records, by their names in OpenSSL. */
export type CipherName = "aes-128-gcm" | "aes-256-gcm" | "chacha20-poly1305";
export type HashName = "sha256" | "sha384";

/** Opens sealed bytes with their tag behind them; nothing where the tag is not theirs. */
export type Unseal = (nonce: Uint8Array, header: Uint8Array, sealed: Uint8Array) => Uint8Array | undefined;

export interface Ciphers {
  hmac(hash: HashName, secret: Uint8Array, message: Uint8Array): Uint8Array;
  unsealerOf(cipher: CipherName, key: Uint8Array): Unseal;
}

/** Bytes of a record's tag, behind its sealed bytes. */
export const TAG_BYTES = 16;
