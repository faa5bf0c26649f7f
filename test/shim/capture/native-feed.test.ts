/** What goes wrong where packets come in is told to who asks for them. */
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Core } from "../../../engine/core";
import type { Native, NativeSource } from "../../../shim/capture/native";
import { NativeFeed } from "../../../shim/capture/native-feed";

/** Reads after which other work gets its turn. */
const READS = 16;

test.each([
  ["at once", 0],
  ["after other work had its turn", READS],
])("what the core throws %s as packets come in is thrown where they are asked for", async (_, readsBefore) => {
  let tell = () => {};
  let reads = 0;
  const native = {
    watch: (_source: NativeSource, callback: () => void) => (tell = callback),
    read: () => 1,
    counts: () => [0, 0, 0],
    fault: () => 0,
    arm: () => {},
  } as unknown as Native;
  const input = {
    free: new Uint8Array(1),
    written() {
      if (reads++ >= readsBefore) throw new Error(reads === readsBefore + 1 ? "unreachable" : "the core trapped before");
    },
  };
  const feed = new NativeFeed(native, { open: () => input } as unknown as Core);
  feed.open([{} as NativeSource]);
  tell();
  await turn();
  expect(() => feed.push()).toThrow(/^unreachable$/);
});
