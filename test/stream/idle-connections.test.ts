/** What an idle connection costs, of each protocol over TCP. */
import { expect, test } from "vitest";
import module from "../../build/test/idle.wasm";
import { IDLE_TALKS, idleBytes } from "../support/idle";

const BYTES_MOST = 512;
/** What these two keep is names as well, as long as the client likes: test/stream/idle.test.ts holds them. */
const WITH_NAMES = ["mysql", "postgresql"];
const talks = IDLE_TALKS.filter(({ name }) => !WITH_NAMES.includes(name));

test.each(talks.map((talk) => [talk.name, talk] as const))("an idle connection of %s", (_, talk) => {
  expect(idleBytes(module, talk)).toBeLessThanOrEqual(BYTES_MOST);
});
