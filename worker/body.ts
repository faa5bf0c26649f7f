import { gunzipSync, inflateSync } from "node:zlib";
import { within } from "./patience";
import { Refusal } from "./refusal";

/** Content encodings of a body; their places stand in rows. `deflate` is RFC 9110's, which is zlib's form. */
export const BODY_ENCODINGS = ["identity", "gzip", "deflate"] as const;
export type BodyEncoding = (typeof BODY_ENCODINGS)[number];

type Inflate = (bytes: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;

const INFLATE: Record<Exclude<BodyEncoding, "identity">, Inflate> = { gzip: gunzipSync, deflate: inflateSync };

/** Reads a request's body as `readBody` does, and refuses it where it is not there within so many seconds. */
export function readBodyWithin(request: Request, most: number, seconds: number): Promise<Uint8Array> {
  const reason = `the body was not there within ${seconds} s; send it at once`;
  return within(seconds * 1000, readBody(request, most), () => new Refusal(408, "slow_body", reason));
}

/** Reads a request's body, counting while reading, and refuses it once it is longer than `most` bytes. */
export async function readBody(request: Request, most: number): Promise<Uint8Array> {
  const tooLong = (bytes: string) => new Refusal(413, "body_too_large", `the body has ${bytes} bytes; send at most ${most}`);
  const declared = request.headers.get("content-length");
  if (declared !== null) {
    if (Number(declared) > most) {
      await request.body?.cancel();
      throw tooLong(declared);
    }
    return new Uint8Array(await request.arrayBuffer());
  }
  if (request.body === null) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body) {
    length += chunk.byteLength;
    if (length > most) throw tooLong(`more than ${most}`);
    chunks.push(chunk);
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.byteLength;
  }
  return body;
}

/** Reads a body as JSON; refuses what is none. */
export function readJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(body));
  } catch (cause) {
    throw new Refusal(400, "bad_json", "the body is not JSON; send an object", { cause });
  }
}

/** Reads the header content-encoding. */
export function parseEncoding(header: string | undefined): BodyEncoding {
  const name = (header ?? "").trim().toLowerCase();
  if (name === "") return "identity";
  if (name === "x-gzip") return "gzip";
  const encoding = BODY_ENCODINGS.find((known) => known === name);
  if (encoding !== undefined) return encoding;
  throw new Refusal(415, "bad_content_encoding", "content-encoding: use identity, gzip or deflate (zlib)");
}

/** Undoes the content encoding; what would grow beyond `most` bytes is refused before it does. */
export function inflateBody(body: Uint8Array, encoding: BodyEncoding, most: number): Uint8Array {
  if (encoding === "identity") return body;
  try {
    return INFLATE[encoding](body, { maxOutputLength: most });
  } catch (cause) {
    if (cause instanceof Error && /limit|larger than|ERR_BUFFER_TOO_LARGE/i.test(cause.message)) {
      throw new Refusal(413, "bundle_too_large", `a bundle has at most ${most} bytes after inflating`, { cause });
    }
    throw new Refusal(400, "bad_body", `the body is not ${encoding}, as its content-encoding says`, { cause });
  }
}
