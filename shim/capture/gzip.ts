import { createGunzip } from "node:zlib";
import type { CaptureEnd, CaptureSink } from "./file";

const INFLATED_CHUNK_BYTES = 1 << 18;

/**
 * Inflates `head` and then `rest`, and gives the sink what comes out. What the piece with a fault inflated to before it is lost: zlib
 * gives out nothing of it. The pieces are small, so that this is little, and what one of them inflates to is bounded.
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
