/** What an idle connection costs, of each protocol over TCP. */
import { expect, test } from "vitest";
import module from "../../build/test/idle.wasm";
import { IDLE_TALKS, idleBytes } from "../support/idle";

const BYTES_MOST = 512;

test.each(IDLE_TALKS.map((talk) => [talk.name, talk] as const))("an idle connection of %s", (_, talk) => {
  expect(idleBytes(module, talk)).toBeLessThanOrEqual(BYTES_MOST);
});
