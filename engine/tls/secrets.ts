/** Secrets of TLS connections, as key logs name them (draft-ietf-tls-keylogfile), found by the client's random. */
import { fromHex, toHex } from "./bytes";

/** Those that records are opened with. */
export type SecretLabel =
  | "CLIENT_RANDOM"
  | "CLIENT_TRAFFIC_SECRET_0"
  | "SERVER_TRAFFIC_SECRET_0"
  | "CLIENT_EARLY_TRAFFIC_SECRET"
  | "SERVER_HANDSHAKE_TRAFFIC_SECRET";

export type ConnectionSecrets = Partial<Record<SecretLabel, Uint8Array>>;

/** Connections whose secrets are kept at the most; the oldest go first. */
export const CONNECTIONS_MAX = 65_536;
/** Traffic secrets are as long as the hash of their suite, of 32 or 48 bytes. */
const LINE =
  /^(CLIENT_RANDOM|(?:CLIENT|SERVER)_TRAFFIC_SECRET_0|CLIENT_EARLY_TRAFFIC_SECRET|SERVER_HANDSHAKE_TRAFFIC_SECRET) ([0-9a-fA-F]{64}) ([0-9a-fA-F]{64}|[0-9a-fA-F]{96})\s*$/;
const MASTER_SECRET_DIGITS = 96;

export class Secrets {
  private readonly connections = new Map<string, ConnectionSecrets>();
  /** Randoms of the connections as they came, around and around: to find the first key of a map passes over all that were deleted. */
  private readonly randoms: string[] = [];
  private next = 0;

  constructor(private readonly connectionsMax = CONNECTIONS_MAX) {}

  get count(): number {
    return this.connections.size;
  }

  /** The same secrets, to which others may be added. */
  copy(): Secrets {
    const copy = new Secrets(this.connectionsMax);
    for (const [random, secrets] of this.connections) copy.add(random, { ...secrets });
    return copy;
  }

  /** Takes one line of a key log; others than those with secrets of interest are passed over. */
  takeLine(line: string): void {
    const parts = LINE.exec(line);
    if (parts === null || (parts[1] === "CLIENT_RANDOM" && parts[3]!.length !== MASTER_SECRET_DIGITS)) return;
    const random = parts[2]!.toLowerCase();
    let secrets = this.connections.get(random);
    if (secrets === undefined) {
      secrets = {};
      this.add(random, secrets);
    }
    secrets[parts[1] as SecretLabel] = fromHex(parts[3]!);
  }

  of(random: Uint8Array): ConnectionSecrets | undefined {
    return this.connections.get(toHex(random));
  }

  private add(random: string, secrets: ConnectionSecrets): void {
    const oldest = this.randoms[this.next];
    if (oldest !== undefined) this.connections.delete(oldest);
    this.randoms[this.next] = random;
    this.next = (this.next + 1) % this.connectionsMax;
    this.connections.set(random, secrets);
  }
}
