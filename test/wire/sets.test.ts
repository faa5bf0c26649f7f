/** Sets that do not fit a bundle together are cut, and nothing else is. */
import { expect, test } from "vitest";
import { Core } from "../../engine/core";
import { leb128, readSections, varint } from "../support/bundle";
import { murmur3 } from "../support/murmur3";
import { coreModule } from "../support/round-trips";
import { sealMinuteBy } from "../support/seal-minute";

const THETA = 8;
const ENTRIES = 4096;
const GAP = 1n << 50n;
/** With this budget a merge has 1 MiB to be written to. */
const BUDGET_BYTES = 8 << 20;

/** A bundle of as many full sets as the hub's metrics have series: 1.1 MiB. */
function bundleOfSets(metrics: readonly number[], like: Uint8Array): Uint8Array {
  const { directoryAt } = readSections(like);
  const payload = [...leb128(ENTRIES * 2), ...Array.from({ length: ENTRIES }, () => leb128(GAP)).flat()];
  let before = 0;
  const groups = metrics.flatMap((metric) => {
    const group = [
      ...leb128(metric - before),
      THETA,
      12,
      3,
      ...[0, 1, 2].flatMap((direction) => [direction, ...leb128(payload.length)]),
    ];
    before = metric;
    return group;
  });
  const head = [...like.subarray(0, directoryAt), ...leb128(metrics.length), ...groups];
  const bytes = new Uint8Array(head.length + payload.length * 3 * metrics.length);
  bytes.set(head);
  for (let at = head.length; at < bytes.length; at += payload.length) bytes.set(payload, at);
  const [hash] = murmur3(bytes.subarray(8), 9001n);
  new DataView(bytes.buffer).setUint32(4, Number(hash & 0xffff_ffffn), true);
  return bytes;
}

test("sets are cut in half, and the bundle is one that a hub takes", () => {
  const core = new Core(coreModule(), { role: "hub", budgetBytes: BUDGET_BYTES });
  const metrics = core.schema.metrics.filter(({ kind }) => kind === "theta").map(({ id }) => id);
  const plain = sealMinuteBy(coreModule(), {
    minute: 1_700_000_040,
    boot: 1n,
    exchanges: [{ client: "10.0.0.1", name: "a.example" }],
  });
  const sets = bundleOfSets(metrics, plain);
  expect(sets.length).toBeGreaterThan(BUDGET_BYTES / 8);
  expect(core.validate(sets)).toBe(0);
  const merged = core.merge([plain, sets]);
  expect(core.validate(merged)).toBe(0);
  const { sections } = readSections(merged);
  const cut = sections.filter(({ kind }) => kind === THETA);
  expect(cut).toHaveLength(3 * metrics.length);
  for (const { payload } of cut) {
    const [head, at] = varint(payload, 0);
    expect([head, new DataView(payload.buffer, payload.byteOffset + at).getBigUint64(0, true)]).toEqual([
      BigInt(ENTRIES / 2) * 2n + 1n,
      GAP * BigInt(ENTRIES / 2 + 1),
    ]);
  }
  const others = (bundle: Uint8Array) => readSections(bundle).sections.filter(({ kind }) => kind !== THETA);
  expect(others(merged)).toEqual(others(plain));
});
