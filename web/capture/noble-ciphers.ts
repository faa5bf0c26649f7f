/** Ciphers and hashes for what must answer at once, which a browser's own do not. Loaded when there are secrets to open something with. */
import { gcm } from "@noble/ciphers/aes.js";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256, sha384 } from "@noble/hashes/sha2.js";
import type { CipherName, Ciphers, Unseal } from "../../engine/tls/ciphers";

const HASHES = { sha256, sha384 };

function unsealerOf(name: CipherName, keyBytes: Uint8Array): Unseal {
  const key = Uint8Array.from(keyBytes);
  const cipher = name === "chacha20-poly1305" ? chacha20poly1305 : gcm;
  return (nonce, header, sealed) => {
    try {
      return cipher(key, nonce, header).decrypt(sealed);
    } catch {
      // The one thing that these throw for at lengths that were looked at before: the tag is another.
      return undefined;
    }
  };
}

export const nobleCiphers: Ciphers = {
  hmac: (hash, secret, message) => hmac(HASHES[hash], secret, message),
  unsealerOf,
};
