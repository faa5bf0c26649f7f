import * as http from "node:http";
import * as https from "node:https";
import { nameOfKey, parseKey } from "../../engine/keys";
import { importSigner, sign } from "../../engine/signature";
import { type Answer, judge, type Verdict } from "./verdict";

const CONNECTIONS = 4;
/** Without a byte for so long a connection is given up: the hub answers once a bundle is on disk, for which it may gather others. */
const SILENCE_MS = 30_000;
const ANSWER_BYTES_MAX = 64 << 10;

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
  private readonly request: typeof http.request;
  private readonly url: URL;
  /** What the header `authorization` bears. */
  private readonly bearer: string;
  private signer: Promise<CryptoKey> | undefined;

  constructor(private readonly options: PosterOptions) {
    const key = parseKey(options.key);
    this.bearer = options.hideKey === true && key !== null ? nameOfKey(key) : options.key;
    this.url = new URL("v1/ingest", options.hub);
    const { Agent, request } = this.url.protocol === "https:" ? https : http;
    this.agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
    this.request = request;
  }

  /** Posts a bundle that was deflated, under a header `tallywire-tags` that is empty for none. Never throws: what goes wrong is a verdict. */
  async post(deflated: Uint8Array, tags: string, signal?: AbortSignal): Promise<Verdict> {
    const sentMs = Date.now();
    try {
      const headers = await this.headersOf(deflated, tags, sentMs);
      const response = await this.send(headers, deflated, signal);
      const body = await readJson(response);
      this.noteTime(body, sentMs, Date.now());
      const status = response.statusCode ?? 0;
      return judge({ status, body, retryAfter: response.headers["retry-after"] }, Date.now());
    } catch (error) {
      return { kind: "later", reason: wordsOf(error) };
    }
  }

  private async headersOf(body: Uint8Array, tags: string, sentMs: number): Promise<Record<string, string>> {
    const signed = { clock: (sentMs / 1000).toFixed(3), tags, encoding: "deflate" };
    this.signer ??= importSigner(this.options.key);
    return {
      authorization: `Bearer ${this.bearer}`,
      "content-type": "application/octet-stream",
      "content-encoding": signed.encoding,
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

  /** Sends one request; resolves with the response when its headers are there. */
  private send(headers: Record<string, string>, body: Uint8Array, signal?: AbortSignal): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      const options = { method: "POST", agent: this.agent, headers: { ...headers, "content-length": body.length }, signal };
      const sent = this.request(this.url, options, resolve);
      sent.setTimeout(SILENCE_MS, () => sent.destroy(Object.assign(new Error("silence"), { code: "ETIMEDOUT" })));
      sent.on("error", reject);
      sent.end(body);
    });
  }

  private noteTime(body: Answer["body"], sentMs: number, receivedMs: number): void {
    const { time } = (body ?? {}) as { time?: unknown };
    if (typeof time === "number") this.options.onTime?.(sentMs, receivedMs, time * 1000);
  }
}

/** The object that a body is, if it is one and not too long. */
async function readJson(body: AsyncIterable<Buffer>): Promise<Answer["body"]> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > ANSWER_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString());
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function wordsOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case "ECONNREFUSED":
      return "nothing listens there";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "its name is not known";
    case "ETIMEDOUT":
      return "it does not answer";
    default:
      return message || code || String(error);
  }
}
