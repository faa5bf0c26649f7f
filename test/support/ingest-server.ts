/** A server that plays the hub's ingest: keeps each bundle once, and fails as a test tells it to. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { inflateSync } from "node:zlib";
import { readBundleHeader } from "../../engine/bundle";

/** What is said instead of taking a bundle. */
export interface Refusal {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
  /** Break the connection: before anything is kept, or after. */
  breaks?: "before" | "after";
}

export class IngestServer {
  /** Bundles by edge, boot id, policy, minute and sequence. */
  readonly bundles = new Map<string, Uint8Array>();
  readonly requests: { headers: IncomingMessage["headers"]; path: string; timeMs: number }[] = [];
  duplicates = 0;
  /** How far its clock is ahead of the true time. */
  clockOffsetMs = 0;
  /** Asked for each request; undefined takes the bundle. */
  refuse: (name: string) => Refusal | undefined = () => undefined;
  private readonly server = createServer((request, response) => void this.answer(request, response));

  async listen(port = 0): Promise<void> {
    await new Promise<void>((done) => this.server.listen(port, "127.0.0.1", done));
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    this.requests.push({ headers: request.headers, path: request.url ?? "", timeMs: Date.now() });
    const bundle = inflateSync(Buffer.concat(chunks));
    const { bootId, policy, minute, sequence } = readBundleHeader(bundle);
    const name = [request.headers.authorization, bootId, policy.name, minute, sequence].join(" ");
    const refusal = this.refuse(name);
    if (refusal?.breaks === "before") return void request.socket.destroy();
    if (refusal && refusal.breaks === undefined) {
      response.writeHead(refusal.status, { "content-type": "application/json", ...refusal.headers });
      return void response.end(JSON.stringify(refusal.body ?? {}));
    }
    const isKnown = this.bundles.has(name);
    if (isKnown) this.duplicates += 1;
    else this.bundles.set(name, bundle);
    if (refusal) return void request.socket.destroy();
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ status: isKnown ? "duplicate" : "stored", time: (Date.now() + this.clockOffsetMs) / 1000 }));
  }
}
