import { gunzipSync, inflateSync } from "node:zlib";
import { Refusal } from "./refusal";

type Inflate = (bytes: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;

/** Content encodings that a body may have; `deflate` is RFC 9110's, which is zlib's form. */
const INFLATE: Record<string, Inflate> = { gzip: gunzipSync, "x-gzip": gunzipSync, deflate: inflateSync };

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

/** Undoes the content encoding; what would grow beyond `most` bytes is refused before it does. */
export function inflateBody(body: Uint8Array, encoding: string | null | undefined, most: number): Uint8Array {
  const name = (encoding ?? "identity").trim().toLowerCase();
  if (name === "identity" || name === "") {
    if (body.byteLength > most) throw new Refusal(413, "bundle_too_large", `a bundle has at most ${most} bytes`);
    return body;
  }
  const inflate = INFLATE[name];
  if (inflate === undefined) {
    throw new Refusal(415, "bad_content_encoding", "content-encoding: use identity, gzip or deflate (zlib)");
  }
  try {
    return inflate(body, { maxOutputLength: most });
  } catch (cause) {
    if (cause instanceof Error && /limit|larger than|ERR_BUFFER_TOO_LARGE/i.test(cause.message)) {
      throw new Refusal(413, "bundle_too_large", `a bundle has at most ${most} bytes after inflating`, { cause });
    }
    throw new Refusal(400, "bad_body", `the body is not ${name}, as its content-encoding says`, { cause });
  }
}
