import { type Dispatcher, Pool } from "undici";
import { type Answer, judge, type Verdict } from "./verdict";

const CONNECTIONS = 4;
const CONNECT_TIMEOUT_MS = 10_000;
/** The hub answers once a bundle is on disk, which it may gather others for. */
const ANSWER_TIMEOUT_MS = 30_000;
const ANSWER_BYTES_MAX = 64 << 10;

/** Who posts, and where. */
export interface PosterOptions {
  hub: URL;
  key: string;
  /** Header `tallywire-tags`; empty for none. */
  tags: string;
  userAgent: string;
  /** Told after each answer how far this host's clock is ahead of the hub's, ms; half the way of a request is its error. */
  onClock?(offsetMs: number): void;
}

/** Posts bundles to a hub. */
export class Poster {
  private readonly pool: Pool;
  private readonly path: string;

  constructor(private readonly options: PosterOptions) {
    this.path = new URL("v1/ingest", options.hub).pathname;
    this.pool = new Pool(options.hub.origin, {
      connections: CONNECTIONS,
      connect: { timeout: CONNECT_TIMEOUT_MS },
      headersTimeout: ANSWER_TIMEOUT_MS,
      bodyTimeout: ANSWER_TIMEOUT_MS,
    });
  }

  /** Posts a bundle that was deflated. Never throws: what goes wrong is a verdict. */
  async post(deflated: Uint8Array, signal?: AbortSignal): Promise<Verdict> {
    const { key, tags, userAgent } = this.options;
    const sentMs = Date.now();
    const headers: Record<string, string> = {
      authorization: `Bearer ${key}`,
      "content-type": "application/octet-stream",
      "content-encoding": "deflate",
      "tallywire-clock": (sentMs / 1000).toFixed(3),
      "user-agent": userAgent,
    };
    if (tags !== "") headers["tallywire-tags"] = tags;
    try {
      const response = await this.pool.request({ path: this.path, method: "POST", headers, body: deflated, signal });
      const body = await readJson(response.body);
      this.noteClock(body, sentMs, Date.now());
      return judge({ status: response.statusCode, body, retryAfter: first(response.headers["retry-after"]) }, Date.now());
    } catch (error) {
      return { kind: "later", reason: wordsOf(error) };
    }
  }

  /** Ends all connections. */
  close(): Promise<void> {
    return this.pool.destroy();
  }

  private noteClock(body: Answer["body"], sentMs: number, receivedMs: number): void {
    const { time } = (body ?? {}) as { time?: unknown };
    if (typeof time === "number") this.options.onClock?.((sentMs + receivedMs) / 2 - time * 1000);
  }
}

function first(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

/** The object that a body is, if it is one and not too long. */
async function readJson(body: Dispatcher.ResponseData["body"]): Promise<Answer["body"]> {
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
    case "UND_ERR_CONNECT_TIMEOUT":
    case "UND_ERR_HEADERS_TIMEOUT":
    case "UND_ERR_BODY_TIMEOUT":
      return "it does not answer";
    default:
      return message || code || String(error);
  }
}
