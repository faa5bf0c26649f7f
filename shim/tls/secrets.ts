/** Secrets of TLS connections, as key logs name them (draft-ietf-tls-keylogfile), found by the client's random. */

/** Those that records are opened with. */
export type SecretLabel = "CLIENT_RANDOM" | "CLIENT_TRAFFIC_SECRET_0" | "SERVER_TRAFFIC_SECRET_0" | "CLIENT_EARLY_TRAFFIC_SECRET";

export type ConnectionSecrets = Partial<Record<SecretLabel, Uint8Array>>;

/** Connections whose secrets are kept at the most; the oldest go first. */
export const CONNECTIONS_MAX = 65_536;
const LINE =
  /^(CLIENT_RANDOM|CLIENT_TRAFFIC_SECRET_0|SERVER_TRAFFIC_SECRET_0|CLIENT_EARLY_TRAFFIC_SECRET) ([0-9a-fA-F]{64}) ([0-9a-fA-F]{64,128})\s*$/;

export class Secrets {
  private readonly connections = new Map<string, ConnectionSecrets>();

  constructor(private readonly connectionsMax = CONNECTIONS_MAX) {}

  get count(): number {
    return this.connections.size;
  }

  /** Takes one line of a key log; others than those with secrets of interest are passed over. */
  takeLine(line: string): void {
    const parts = LINE.exec(line);
    if (parts === null) return;
    const random = parts[2]!.toLowerCase();
    let secrets = this.connections.get(random);
    if (secrets === undefined) {
      secrets = {};
      this.connections.set(random, secrets);
      if (this.connections.size > this.connectionsMax) this.connections.delete(this.connections.keys().next().value!);
    }
    secrets[parts[1] as SecretLabel] = Buffer.from(parts[3]!, "hex");
  }

  of(random: Uint8Array): ConnectionSecrets | undefined {
    return this.connections.get(Buffer.from(random).toString("hex"));
  }
}
