/** Text to a stream: no faster than its reader, and never waiting for a reader that has all. */
import { Writable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { TextOutput } from "../../shim/output/text-output";

const LARGE = "x".repeat(1 << 17);

/** A stream whose reader takes a piece when `take` is called. */
function reader() {
  let waiting: (() => void) | undefined;
  const stream = new Writable({
    highWaterMark: 16,
    write(_chunk, _encoding, done) {
      waiting = done;
    },
  });
  return { stream, take: () => waiting?.() };
}

test("what the reader took before it is asked for is not waited for", async () => {
  const { stream, take } = reader();
  const output = new TextOutput(stream);
  output.write(LARGE);
  take();
  await turn();
  await expect(Promise.race([output.ready().then(() => "ready"), turn("waits")])).resolves.toBe("ready");
});

test("what the reader has not taken is waited for", async () => {
  const { stream, take } = reader();
  const output = new TextOutput(stream);
  output.write(LARGE);
  let isReady = false;
  const ready = output.ready().then(() => (isReady = true));
  await turn();
  expect(isReady).toBe(false);
  take();
  await ready;
});

test("a reader that goes away ends it quietly, and other failures are told", async () => {
  for (const [code, told] of [
    ["EPIPE", false],
    ["ENOSPC", true],
  ] as const) {
    const { stream } = reader();
    const output = new TextOutput(stream);
    output.write(LARGE);
    const ready = output.ready();
    stream.destroy(Object.assign(new Error(code), { code }));
    if (told) await expect(ready).rejects.toThrow("cannot write the output: the disk is full");
    else await ready;
    expect(output.closed).toBe(true);
  }
});
