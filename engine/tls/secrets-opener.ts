import type { Ciphers } from "./ciphers";
import { KeyLines } from "./key-lines";
import { type SenderKeys, type Suite, suiteOf, ThirteenKeys, TLS_1_3, twelveKeys } from "./key-schedule";
import { TLS_QUESTION_BYTES, type TlsOpener, type TlsSender } from "./opener";
import type { Secrets } from "./secrets";

const RANDOM_BYTES = 32;
const CLIENT_RANDOM_AT = 4;
const SERVER_RANDOM_AT = CLIENT_RANDOM_AT + RANDOM_BYTES;
const NOT_YET = 0;
const NEVER = -1;
const CLOSED = -1;

/** The keys of a connection's senders, and whether they have opened something. */
interface Connection {
  senders: (SenderKeys | undefined)[];
  isOpened: boolean;
}

/** Where secrets come from while records are opened with them. */
interface SecretsSource {
  /** Adds those that have come; called where some are missing. */
  lookAgain(): void;
  close(): void;
}

/** Opens records with secrets that are kept, to which those are added that files bring. */
export class SecretsOpener implements TlsOpener {
  private readonly connections = new Map<number, Connection>();
  private readonly lines: KeyLines;
  private last = 0;
  private openedCount = 0;
  private isTaking = false;

  /** `hasOthers` where secrets are kept that no file brings; `source` is where they come from, if more may come. */
  constructor(
    private readonly ciphers: Ciphers,
    private readonly secrets: Secrets,
    readonly hasOthers = false,
    private readonly source?: SecretsSource,
  ) {
    this.lines = new KeyLines(secrets);
  }

  end(): void {
    this.source?.close();
  }

  /** Keys that have opened something: those of a connection, and of each handshake inside of one. */
  get opened(): number {
    return this.openedCount;
  }

  /** Whether a file has brought secrets. */
  get hasTaken(): boolean {
    return this.isTaking;
  }

  take(text: Uint8Array, isBeginning: boolean, isEnd: boolean): void {
    this.isTaking = true;
    if (isBeginning) this.lines.begin();
    this.lines.take(text);
    if (isEnd) this.lines.end();
  }

  open(question: DataView): number {
    const version = question.getUint16(0, true);
    const suite = suiteOf(version, question.getUint16(2, true));
    if (suite === undefined) return NEVER;
    const bytes = new Uint8Array(question.buffer, question.byteOffset, TLS_QUESTION_BYTES);
    const senders = this.keysOf(version, suite, bytes) ?? this.keysOfMore(version, suite, bytes);
    if (senders === undefined) return NOT_YET;
    this.last = (this.last % 0x7fff_ffff) + 1;
    this.connections.set(this.last, { senders, isOpened: false });
    return this.last;
  }

  record(keys: number, sender: TlsSender, sequence: number, record: Uint8Array, target: Uint8Array, ahead: number): number {
    const connection = this.connections.get(keys);
    let last = connection?.senders[sender];
    for (let step = 0; step < ahead; step++) last = following(last);
    const plaintext = last?.open(sequence, record);
    if (connection === undefined || plaintext === undefined) return CLOSED;
    if (!connection.isOpened) this.openedCount += 1;
    connection.isOpened = true;
    target.set(plaintext);
    return plaintext.length;
  }

  next(keys: number, sender: TlsSender): void {
    const senders = this.connections.get(keys)?.senders;
    const after = following(senders?.[sender]);
    if (after !== undefined) senders![sender] = after;
  }

  close(keys: number): void {
    this.connections.delete(keys);
  }

  private keysOfMore(version: number, suite: Suite, question: Uint8Array): (SenderKeys | undefined)[] | undefined {
    if (this.source === undefined) return undefined;
    this.source.lookAgain();
    return this.keysOf(version, suite, question);
  }

  private keysOf(version: number, suite: Suite, question: Uint8Array): (SenderKeys | undefined)[] | undefined {
    const clientRandom = question.subarray(CLIENT_RANDOM_AT, SERVER_RANDOM_AT);
    const secrets = this.secrets.of(clientRandom);
    if (secrets === undefined) return undefined;
    if (version !== TLS_1_3) {
      const { CLIENT_RANDOM: master } = secrets;
      const serverRandom = question.subarray(SERVER_RANDOM_AT, TLS_QUESTION_BYTES);
      return master && twelveKeys(this.ciphers, suite, master, clientRandom, serverRandom);
    }
    const { CLIENT_TRAFFIC_SECRET_0: client, SERVER_TRAFFIC_SECRET_0: server, CLIENT_EARLY_TRAFFIC_SECRET: early } = secrets;
    if (client === undefined || server === undefined) return undefined;
    // The server's handshake is asked for by early data alone, which it may take or not.
    const handshake = early && secrets.SERVER_HANDSHAKE_TRAFFIC_SECRET;
    return [client, server, early, handshake].map((secret) => secret && new ThirteenKeys(this.ciphers, suite, secret));
  }
}

/** The keys behind a KeyUpdate, which TLS 1.3 alone has. */
function following(keys: SenderKeys | undefined): SenderKeys | undefined {
  return keys instanceof ThirteenKeys ? keys.following : undefined;
}
