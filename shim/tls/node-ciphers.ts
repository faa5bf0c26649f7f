/** Node's ciphers and hashes, loaded when the first connection is opened: few captures bring secrets. */
import type * as Crypto from "node:crypto";
import { createRequire } from "node:module";
import { type CipherName, type Ciphers, TAG_BYTES, type Unseal } from "../../engine/tls/ciphers";

let loaded: typeof Crypto | undefined;
function crypto(): typeof Crypto {
  loaded ??= createRequire(import.meta.url)("node:crypto") as typeof Crypto;
  return loaded;
}

function unsealerOf(cipher: CipherName, keyBytes: Uint8Array): Unseal {
  const key = crypto().createSecretKey(keyBytes);
  return (nonce, header, sealed) => {
    // One signature of createDecipheriv for each form of cipher; what they make is used alike.
    const decipher = crypto().createDecipheriv(cipher as "chacha20-poly1305", key, nonce, { authTagLength: TAG_BYTES });
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
  };
}

export const nodeCiphers: Ciphers = {
  hmac: (hash, secret, message) => crypto().createHmac(hash, secret).update(message).digest(),
  unsealerOf,
};
