import * as http from "node:http";
import * as https from "node:https";

/** Without a byte for so long a connection is given up: the hub answers once a bundle is on disk, for which it may gather others. */
const SILENCE_MS = 30_000;
const ANSWER_BYTES_MAX = 64 << 10;

/** The connections that requests to one address share. */
export function connectionsTo(url: URL, options: http.AgentOptions): http.Agent {
  return new (url.protocol === "https:" ? https : http).Agent(options);
}

/** Sends one request, with a body or none; resolves with the response when its headers are there. */
export function sendRequest(url: URL, options: http.RequestOptions, body?: Uint8Array): Promise<http.IncomingMessage> {
  const { request } = url.protocol === "https:" ? https : http;
  return new Promise((resolve, reject) => {
    const sent = request(url, options, resolve);
    sent.setTimeout(SILENCE_MS, () => sent.destroy(Object.assign(new Error("silence"), { code: "ETIMEDOUT" })));
    sent.on("error", reject);
    sent.end(body);
  });
}

/** The object that a body is, if it is one and not too long. */
export async function readObject(body: AsyncIterable<Buffer>): Promise<Record<string, unknown> | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > ANSWER_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString());
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether what was asked over TLS answered in the clear; some Nodes say it in a code, others in OpenSSL's words. */
export function speaksNoTls(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  return /wrong.version.number|packet.length.too.long/i.test(`${code} ${message}`);
}

/** Why a hub was not reached, in words. */
export function unreachedReason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (speaksNoTls(error)) return "it speaks no TLS there";
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
