import type { IncomingMessage, ServerResponse } from "node:http";

/** A whole answer. */
export interface Reply {
  status: number;
  body: string | Uint8Array;
  headers?: Readonly<Record<string, string>>;
}

/** What every answer says. */
export const COMMON_HEADERS = {
  "content-type": "text/plain; charset=utf-8",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
};

/** What a request may bring: a word. */
const BODY_BYTES_MAX = 256;

/** Answers. `goesOn` says whether the connection is there for another request: all that this one brought must have been read. */
export function send({ method }: IncomingMessage, response: ServerResponse, reply: Reply, goesOn: boolean): void {
  const closing = goesOn ? {} : { connection: "close" };
  response.writeHead(reply.status, { ...COMMON_HEADERS, ...closing, ...reply.headers });
  response.end(method === "HEAD" ? undefined : reply.body);
}

/** Whether a request brings something. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
}

/** What a request brings; undefined where it is more than any of them may. */
export async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
