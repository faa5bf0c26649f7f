/** A reader that takes over from another, or cannot. */
import { expect, test } from "vitest";
import type { InterfaceReader } from "../../shim/agent/interface-reader";
import { Succession } from "../../shim/agent/succession";
import { Failure } from "../../shim/failure";

/** A reader that notes what is asked of it. */
function reader(name: string, keep: () => void = () => {}) {
  const asked: string[] = [];
  const own = {
    words: name,
    keep() {
      asked.push("keep");
      keep();
    },
    turn: () => asked.push("turn"),
    settledMs: (nowMs: number) => nowMs,
    close: async () => void asked.push("close"),
  };
  return { asked, reader: own as unknown as InterfaceReader };
}

test("one that cannot begin is closed, and the one before goes on as if nothing had been", async () => {
  const before = reader("before");
  const next = reader("next", () => {
    throw new Failure("the kernel does not take this filter: Cannot allocate memory");
  });
  const succession = new Succession(before.reader);
  await expect(succession.begin(next.reader)).rejects.toThrow(/^the kernel does not take this filter: Cannot allocate memory$/);
  expect(next.asked).toEqual(["keep", "close"]);
  expect([succession.words, succession.settledMs(5000)]).toEqual(["before", 5000]);
  await succession.settled();
  succession.turn(5000);
  await succession.close();
  expect(before.asked).toEqual(["turn", "close"]);
});

test("one that begins has the packets from a time on, and the one before is closed behind it", async () => {
  const [before, next] = [reader("before"), reader("next")];
  const succession = new Succession(before.reader);
  const nowMs = Date.now();
  expect(await succession.begin(next.reader)).toBeGreaterThan(nowMs);
  expect(succession.words).toBe("next");
  await succession.settled();
  expect(before.asked).toEqual(["keep", "close"]);
  expect(next.asked).toEqual(["keep", "keep", "keep"]);
});
