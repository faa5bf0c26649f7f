import { TLS_QUESTION_BYTES, type TlsOpener, type TlsSender } from "../../engine/tls-opener";
import { Failure } from "../failure";
import { printable } from "../output/printable";
import { KeyLog } from "./key-log";
import { type SenderKeys, type Suite, suiteOf, ThirteenKeys, TLS_1_3, twelveKeys } from "./key-schedule";
import { Secrets } from "./secrets";

const RANDOM_BYTES = 32;
const CLIENT_RANDOM_AT = 4;
const SERVER_RANDOM_AT = CLIENT_RANDOM_AT + RANDOM_BYTES;
const NOT_YET = 0;
const NEVER = -1;
const CLOSED = -1;

/** Opens records with node's own ciphers and the secrets of a key log, which is looked at again when secrets are missing. */
export class KeyLogOpener implements TlsOpener {
  private readonly connections = new Map<number, (SenderKeys | undefined)[]>();
  private last = 0;
  private hasSaid = false;

  /** `say` is told once where the log cannot be read any more. */
  constructor(
    private readonly secrets: Secrets,
    private readonly log: KeyLog,
    private readonly say: (words: string) => void,
  ) {}

  open(question: DataView): number {
    const version = question.getUint16(0, true);
    const suite = suiteOf(version, question.getUint16(2, true));
    if (suite === undefined) return NEVER;
    const bytes = new Uint8Array(question.buffer, question.byteOffset, TLS_QUESTION_BYTES);
    const keys = this.keysOf(version, suite, bytes) ?? this.keysOfGrown(version, suite, bytes);
    if (keys === undefined) return NOT_YET;
    this.last = (this.last % 0x7fff_ffff) + 1;
    this.connections.set(this.last, keys);
    return this.last;
  }

  record(keys: number, sender: TlsSender, sequence: number, record: Uint8Array, target: Uint8Array): number {
    const plaintext = this.connections.get(keys)?.[sender]?.open(sequence, record);
    if (plaintext === undefined) return CLOSED;
    target.set(plaintext);
    return plaintext.length;
  }

  next(keys: number, sender: TlsSender): void {
    const senders = this.connections.get(keys);
    const before = senders?.[sender];
    if (before instanceof ThirteenKeys) senders![sender] = before.next();
  }

  close(keys: number): void {
    this.connections.delete(keys);
  }

  private keysOfGrown(version: number, suite: Suite, question: Uint8Array): (SenderKeys | undefined)[] | undefined {
    const fault = this.log.refresh();
    if (fault !== undefined && !this.hasSaid) {
      this.hasSaid = true;
      this.say(fault);
    }
    return this.keysOf(version, suite, question);
  }

  private keysOf(version: number, suite: Suite, question: Uint8Array): (SenderKeys | undefined)[] | undefined {
    const clientRandom = question.subarray(CLIENT_RANDOM_AT, SERVER_RANDOM_AT);
    const secrets = this.secrets.of(clientRandom);
    if (secrets === undefined) return undefined;
    if (version !== TLS_1_3) {
      if (secrets.CLIENT_RANDOM === undefined) return undefined;
      return twelveKeys(suite, secrets.CLIENT_RANDOM, clientRandom, question.subarray(SERVER_RANDOM_AT, TLS_QUESTION_BYTES));
    }
    const { CLIENT_TRAFFIC_SECRET_0: client, SERVER_TRAFFIC_SECRET_0: server, CLIENT_EARLY_TRAFFIC_SECRET: early } = secrets;
    if (client === undefined || server === undefined) return undefined;
    return [client, server, early].map((secret) => secret && new ThirteenKeys(suite, secret));
  }
}

/** Opens with the secrets of the key log at `path`, which may come later unless it `mustBe`. Throws Failure where it cannot be read. */
export function keyLogOpener(path: string, mustBe = true): KeyLogOpener {
  const secrets = new Secrets();
  const log = new KeyLog(path, secrets);
  const fault = log.refresh() ?? (mustBe && !log.isThere ? `cannot read the key log ${path}: it is not there` : undefined);
  if (fault !== undefined) throw new Failure(fault);
  return new KeyLogOpener(secrets, log, (words) => process.stderr.write(`tallywire: ${printable(words)}\n`));
}
