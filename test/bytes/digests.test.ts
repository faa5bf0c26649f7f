/** MD5 and SHA-256 against node's. */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import module from "../../build/test/digests.wasm";
import { instantiate } from "../support/instantiate";

interface Exports {
  memory: WebAssembly.Memory;
  open(): number;
  md5(start: number, length: number): number;
  sha256(start: number, length: number): number;
}

const core = instantiate<Exports>(module);
const start = core.open();

test.each([
  ["md5", 16],
  ["sha256", 32],
] as const)("%s of every length up to 200, and of long runs", (name, bytes) => {
  for (const length of [...Array.from({ length: 200 }, (_, index) => index), 1000, 4096, 10_007]) {
    const content = Uint8Array.from({ length }, (_, index) => (index * 131 + length) & 255);
    new Uint8Array(core.memory.buffer).set(content, start);
    const at = core[name](start, length);
    const found = Buffer.from(core.memory.buffer, at, bytes).toString("hex");
    expect(found, `${length} bytes`).toBe(createHash(name).update(content).digest("hex"));
  }
});
