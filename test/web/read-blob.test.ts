/** What the page reads of a file, whatever the browser's own inflating makes of it. */
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { readBlob } from "../../web/capture/read-blob";

/** Text that takes several chunks, gzipped or not. */
const text = Buffer.from(Array.from({ length: 300_000 }, (_, index) => `${index * 7919} `).join(""));

async function read(...parts: Uint8Array[]) {
  const chunks: Buffer[] = [];
  const progress: number[] = [];
  const blob = new Blob(parts.map((part) => part.slice()));
  const end = await readBlob(blob, (chunk, bytesRead) => {
    chunks.push(Buffer.from(chunk));
    progress.push(bytesRead);
  });
  expect(progress).toEqual([...progress].sort((a, b) => a - b));
  return { ...end, content: Buffer.concat(chunks), size: blob.size };
}

const isText = (content: Buffer) => content.equals(text);

describe("a file", () => {
  test("that is not compressed, or one gzip member, comes as it is", async () => {
    for (const bytes of [text, gzipSync(text)]) {
      const { content, gzipFault } = await read(bytes);
      expect([isText(content), gzipFault]).toEqual([true, undefined]);
    }
  });

  test("of many members comes whole, once", async () => {
    for (const pieces of [2, 3, 500]) {
      const length = Math.ceil(text.length / pieces);
      const members = Array.from({ length: pieces }, (_, index) => gzipSync(text.subarray(index * length, (index + 1) * length)));
      const { content, gzipFault } = await read(...members, Buffer.alloc(100));
      expect([isText(content), gzipFault]).toEqual([true, undefined]);
    }
  });

  test("that is broken comes up to the fault, which is named", async () => {
    const packed = gzipSync(text);
    const cut = await read(packed.subarray(0, packed.length - 1000));
    expect(cut.gzipFault).toBe("it ends early");
    expect(cut.content.length).toBeGreaterThan(text.length * 0.99);
    expect(text.subarray(0, cut.content.length).equals(cut.content)).toBe(true);
    const junk = await read(packed, Buffer.from("junk"));
    expect([isText(junk.content), junk.gzipFault, junk.isFollowed]).toEqual([true, undefined, true]);
  });

  test("is given up when its reader says so", async () => {
    const stop = new Error("enough");
    for (const blob of [new Blob([gzipSync(text)]), new Blob([gzipSync("x"), gzipSync(text)])]) {
      let bytes = 0;
      const reading = readBlob(blob, (chunk) => {
        bytes += chunk.length;
        if (bytes > 1000) throw stop;
      });
      await expect(reading).rejects.toBe(stop);
    }
  });
});
