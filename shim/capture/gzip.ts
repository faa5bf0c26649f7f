import { createGunzip } from "node:zlib";
import type { CaptureEnd, CaptureSink } from "./file";

const INFLATED_CHUNK_BYTES = 1 << 18;

/**
 * Inflates `head` and then `rest`, and gives the sink what comes out. Everything before a fault comes out, however the file is
 * read. The pieces of `rest` are small, so that what one of them inflates to is bounded.
 */
export async function inflateTo(head: Buffer, rest: AsyncIterable<Buffer>, sink: CaptureSink): Promise<CaptureEnd> {
  const inflate = createGunzip({ chunkSize: INFLATED_CHUNK_BYTES });
  const ended = new Promise<CaptureEnd>((settle) => {
    inflate.once("end", () => settle({}));
    inflate.once("error", (error) => settle({ fault: error.message }));
  });
  inflate.on("data", (chunk: Buffer) => sink.write(chunk));
  const write = (chunk: Buffer) =>
    Promise.race([new Promise<void>((done) => inflate.write(chunk, () => done())), ended.then(() => {})]);
  await write(head);
  for await (const chunk of rest) {
    if (inflate.destroyed || !(await sink.ready())) break;
    await write(chunk);
  }
  if (!inflate.destroyed) inflate.end();
  return ended;
}
