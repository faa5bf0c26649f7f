/** What a shard's message comes to, where one of its bundles is refused. */
import { expect, it } from "vitest";
import type { Minutes } from "../../worker/object/minutes";
import type { Message } from "../../worker/object/outbox";
import { arrivalsOf } from "../../worker/object/receive";
import type { Registry } from "../../worker/object/registry";

/** Nothing, deflated. */
const EMPTY = Uint8Array.of(0x78, 0x9c, 0x03, 0, 0, 0, 0, 1);

it("of a message of which one bundle is refused none has arrived: the first part of a minute is the first when it comes again", () => {
  const keys = new Set<number>();
  const minutes = { keys: () => keys } as unknown as Minutes;
  let refuses = true;
  const place = (_: string, { tags }: { tags: object }) =>
    refuses && "odd" in tags ? { status: 422, code: "tags", reason: "odd" } : { edge: 0, group: 0, source: 3 };
  const registry = { place } as unknown as Registry;
  const bundle = (tags: object) => ({
    policy: "default",
    samplingRate: 1,
    tags,
    minute: 7,
    partial: false,
    setApart: 0,
    body: EMPTY,
  });
  const message = {
    shard: "acme/shard/1/fra",
    boot: "b",
    number: 1,
    bundles: [bundle({}), bundle({ odd: "1" })],
  } as unknown as Message;
  expect(arrivalsOf(message, registry, minutes, 0)).toMatchObject({ code: "tags" });
  expect(keys.size).toBe(0);
  refuses = false;
  const sequences = (arrived: ReturnType<typeof arrivalsOf>) => "status" in arrived || arrived.map(({ entry }) => entry.sequence);
  expect(sequences(arrivalsOf(message, registry, minutes, 0))).toEqual([0, 1]);
  expect(sequences(arrivalsOf(message, registry, minutes, 0))).toEqual([1, 1]);
});
