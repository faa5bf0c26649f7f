/** TLS under secrets of our own: records sealed with node:crypto, and the key log that opens them. Suites with AES-128-GCM alone. */
import { createCipheriv, createHmac } from "node:crypto";
import { Secrets } from "../../engine/tls/secrets";
import { SecretsOpener } from "../../engine/tls/secrets-opener";
import { nodeCiphers } from "../../shim/tls/node-ciphers";
import { type Bytes, type Conversation, join, toBytes, u16 } from "./pcap-builder";
import { CHANGE_CIPHER_SPEC, clientHello, EXTENSION, message, record, serverHello, tls } from "./tls";

export const HANDSHAKE = 22;
export const APPLICATION = 23;
const CIPHER_13 = 0x1301;
const CIPHER_12 = 0xc02f;
const KEY_BYTES = 16;
const SECRET_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const FINISHED = 20;
const ENCRYPTED_EXTENSIONS = 8;
const EARLY_DATA = 42;

const fill = (value: number, bytes = SECRET_BYTES) => new Uint8Array(bytes).fill(value);
const hmac = (secret: Uint8Array, ...parts: Bytes[]) =>
  new Uint8Array(
    createHmac("sha256", secret)
      .update(join(...parts))
      .digest(),
  );
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

function seal(key: Uint8Array, nonce: Uint8Array, header: Uint8Array, content: Uint8Array): Uint8Array {
  const cipher = createCipheriv("aes-128-gcm", key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(header);
  return join(cipher.update(content), cipher.final(), cipher.getAuthTag());
}

/** HKDF-Expand-Label (RFC 8446 section 7.1). */
function label(secret: Uint8Array, name: string, bytes: number): Uint8Array {
  const text = `tls13 ${name}`;
  return hmac(secret, u16(bytes), [text.length], text, [0, 1]).subarray(0, bytes);
}

/** One who sends under a secret of TLS 1.3. */
export class Sender13 {
  private sequence = 0;

  constructor(private secret: Uint8Array) {}

  record(type: number, content: Bytes, padding = 0): Uint8Array {
    const inner = join(content, [type], fill(0, padding));
    const header = join([APPLICATION], u16(0x0303), u16(inner.length + TAG_BYTES));
    const nonce = label(this.secret, "iv", NONCE_BYTES);
    nonce[NONCE_BYTES - 1]! ^= this.sequence & 255;
    nonce[NONCE_BYTES - 2]! ^= this.sequence >> 8;
    this.sequence += 1;
    return join(header, seal(label(this.secret, "key", KEY_BYTES), nonce, header, inner));
  }

  say(content: Bytes): Uint8Array {
    return this.record(APPLICATION, content);
  }

  /** What it sends from here on is under the keys that follow. */
  update(): void {
    this.secret = label(this.secret, "traffic upd", SECRET_BYTES);
    this.sequence = 0;
  }
}

/** A connection of TLS 1.3. */
export class Lab13 {
  readonly random: Uint8Array;
  readonly client: Sender13;
  readonly server: Sender13;
  readonly early: Sender13;
  readonly clientHandshake: Sender13;
  readonly serverHandshake: Sender13;
  readonly log: string;

  constructor(number = 1) {
    this.random = fill(number);
    const secrets = {
      CLIENT_TRAFFIC_SECRET_0: fill(number + 10),
      SERVER_TRAFFIC_SECRET_0: fill(number + 20),
      CLIENT_EARLY_TRAFFIC_SECRET: fill(number + 30),
      CLIENT_HANDSHAKE_TRAFFIC_SECRET: fill(number + 40),
      SERVER_HANDSHAKE_TRAFFIC_SECRET: fill(number + 50),
    };
    this.client = new Sender13(secrets.CLIENT_TRAFFIC_SECRET_0);
    this.server = new Sender13(secrets.SERVER_TRAFFIC_SECRET_0);
    this.early = new Sender13(secrets.CLIENT_EARLY_TRAFFIC_SECRET);
    this.clientHandshake = new Sender13(secrets.CLIENT_HANDSHAKE_TRAFFIC_SECRET);
    this.serverHandshake = new Sender13(secrets.SERVER_HANDSHAKE_TRAFFIC_SECRET);
    this.log = Object.entries(secrets)
      .map(([name, secret]) => `${name} ${hex(this.random)} ${hex(secret)}\n`)
      .join("");
  }

  hello(): Uint8Array {
    return record(
      HANDSHAKE,
      clientHello({ random: this.random, extensions: [EXTENSION.versions(0x0304), EXTENSION.keyShare()] }),
    );
  }

  /** The server's hello, and under keys its extensions and what else of the handshake; early data is taken where `takesEarly`. */
  answer({ takesEarly = false, content = message(FINISHED, fill(0)) } = {}): Uint8Array {
    const extensions = [EXTENSION.version(0x0304), EXTENSION.keyShare()];
    const taken = takesEarly ? join(u16(4), u16(EARLY_DATA), u16(0)) : u16(0);
    return join(
      record(HANDSHAKE, serverHello({ cipher: CIPHER_13, extensions })),
      CHANGE_CIPHER_SPEC,
      this.serverHandshake.record(HANDSHAKE, join(message(ENCRYPTED_EXTENSIONS, taken), content)),
    );
  }

  finished(): Uint8Array {
    return join(CHANGE_CIPHER_SPEC, this.clientHandshake.record(HANDSHAKE, message(FINISHED, fill(0))));
  }

  /** The connection with its handshake. */
  open(form = {}): Conversation {
    return tls(form).send("client", this.hello()).send("server", this.answer()).send("client", this.finished());
  }
}

/** One who sends in TLS 1.2. */
export class Sender12 {
  private sequence = 0;

  constructor(
    private readonly key: Uint8Array,
    private readonly iv: Uint8Array,
  ) {}

  record(type: number, content: Bytes): Uint8Array {
    const bytes = toBytes(content);
    const number = join(fill(0, 6), u16(this.sequence));
    this.sequence += 1;
    const header = join(number, [type], u16(0x0303), u16(bytes.length));
    return record(type, join(number, seal(this.key, join(this.iv, number), header, bytes)));
  }

  say(content: Bytes): Uint8Array {
    return this.record(APPLICATION, content);
  }
}

/** A handshake of TLS 1.2, the first of a connection or one inside of it. */
export class Lab12 {
  readonly client: Sender12;
  readonly server: Sender12;
  readonly log: string;
  readonly clientRandom: Uint8Array;
  readonly serverRandom: Uint8Array;

  constructor(number = 1) {
    const master = fill(number + 10, 48);
    this.clientRandom = fill(number);
    this.serverRandom = fill(number + 100);
    const seed = join("key expansion", this.serverRandom, this.clientRandom);
    const parts: Uint8Array[] = [];
    for (let a = hmac(master, seed); parts.length < 2; a = hmac(master, a)) parts.push(hmac(master, a, seed));
    const block = join(...parts);
    this.client = new Sender12(block.slice(0, 16), block.slice(32, 36));
    this.server = new Sender12(block.slice(16, 32), block.slice(36, 40));
    this.log = `CLIENT_RANDOM ${hex(this.clientRandom)} ${hex(master)}\n`;
  }

  hello(): Uint8Array {
    return clientHello({ random: this.clientRandom, ciphers: [CIPHER_12] });
  }

  /** What the server says in the clear, in messages. */
  answer(cipher = CIPHER_12): Uint8Array {
    const certificate = message(11, fill(0x30, 700));
    return join(serverHello({ random: this.serverRandom, cipher }), certificate, message(14, []));
  }

  /** The connection with its handshake. */
  open(form = {}, cipher = CIPHER_12): Conversation {
    return tls(form)
      .send("client", record(HANDSHAKE, this.hello()))
      .send("server", record(HANDSHAKE, this.answer(cipher)))
      .send("client", join(record(HANDSHAKE, message(16, fill(3, 66))), CHANGE_CIPHER_SPEC, finishedOf(this.client)))
      .send("server", join(CHANGE_CIPHER_SPEC, finishedOf(this.server)));
  }
}

/** The end of a handshake of TLS 1.2. */
export const finishedOf = (sender: Sender12) => sender.record(HANDSHAKE, message(FINISHED, fill(0, 12)));

/** Opens with the secrets of a key log's text. */
export function openerOf(log: string): SecretsOpener {
  const secrets = new Secrets();
  for (const line of log.split("\n")) secrets.takeLine(line);
  return new SecretsOpener(nodeCiphers, secrets, true);
}
