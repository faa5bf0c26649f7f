import type * as http from "node:http";
import { nameOfKey, parseKey } from "../../engine/keys";
import { importSigner, sign } from "../../engine/signature";
import { connectionsTo, readObject, sendRequest, unreachedReason } from "./hub-request";
import { type Answer, judge, type Verdict } from "./verdict";

const CONNECTIONS = 4;

/** Who posts, and where. */
export interface PosterOptions {
  hub: URL;
  key: string;
  userAgent: string;
  /** Send the key's name in place of the key: the signature stands for it. */
  hideKey?: boolean;
  /** Told of each answer that has the hub's time: when its request was sent, when it was there, and that time, ms. */
  onTime?(sentMs: number, receivedMs: number, hubMs: number): void;
}

/** Posts bundles to a hub. */
export class Poster {
  private readonly agent: http.Agent;
  private readonly url: URL;
  /** What the header `authorization` bears. */
  private readonly bearer: string;
  private signer: Promise<CryptoKey> | undefined;

  constructor(private readonly options: PosterOptions) {
    const key = parseKey(options.key);
    this.bearer = options.hideKey === true && key !== null ? nameOfKey(key) : options.key;
    this.url = new URL("v1/ingest", options.hub);
    this.agent = connectionsTo(this.url, { keepAlive: true, maxSockets: CONNECTIONS });
  }

  /** Posts a bundle that was deflated, under a header `tallywire-tags` that is empty for none. Never throws: what goes wrong is a verdict. */
  async post(deflated: Uint8Array, tags: string, signal?: AbortSignal): Promise<Verdict> {
    const sentMs = Date.now();
    try {
      const headers = await this.headersOf(deflated, tags, sentMs);
      const response = await sendRequest(this.url, { method: "POST", agent: this.agent, headers, signal }, deflated);
      const body = await readObject(response);
      this.noteTime(body, sentMs, Date.now());
      const status = response.statusCode ?? 0;
      return judge({ status, body, retryAfter: response.headers["retry-after"] }, Date.now());
    } catch (error) {
      return { kind: "later", reason: unreachedReason(error) };
    }
  }

  private async headersOf(body: Uint8Array, tags: string, sentMs: number): Promise<Record<string, string>> {
    const signed = { clock: (sentMs / 1000).toFixed(3), tags, encoding: "deflate" };
    this.signer ??= importSigner(this.options.key);
    return {
      authorization: `Bearer ${this.bearer}`,
      "content-type": "application/octet-stream",
      "content-encoding": signed.encoding,
      "content-length": String(body.length),
      "tallywire-clock": signed.clock,
      "tallywire-signature": await sign(await this.signer, signed, body),
      "user-agent": this.options.userAgent,
      ...(tags !== "" && { "tallywire-tags": tags }),
    };
  }

  /** Ends all connections. */
  close(): void {
    this.agent.destroy();
  }

  private noteTime(body: Answer["body"], sentMs: number, receivedMs: number): void {
    const { time } = (body ?? {}) as { time?: unknown };
    if (typeof time === "number") this.options.onTime?.(sentMs, receivedMs, time * 1000);
  }
}
