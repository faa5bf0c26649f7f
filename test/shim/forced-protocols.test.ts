import { expect, test } from "vitest";
import { Core } from "../../engine/core";
import { forcedProtocols } from "../../shim/forced-protocols";
import { coreModule } from "../support/round-trips";

const { schema } = new Core(coreModule());
const forced = (text: string | undefined) => forcedProtocols(text, () => schema);

test("protocols with their ports", () => {
  expect(forced(undefined)).toBeUndefined();
  expect(forced("http:8080, redis:7000")).toEqual([
    { protocol: 2, port: 8080 },
    { protocol: 3, port: 7000 },
  ]);
});

test.each([
  ["http", '"http" is no protocol with its port'],
  ["http:0", '"http:0" is no protocol with its port'],
  ["http:65536", "no protocol with its port"],
  ["http:80:81", "no protocol with its port"],
  ["", '"" is no protocol with its port'],
  ["htp:80", '"htp" is no protocol that is spoken at a port; dns, http,'],
  ["grpc:50051", '"grpc" is no protocol that is spoken at a port'],
  ["http:80,redis:80", "port 80 has two protocols, http and redis"],
  [Array.from({ length: 65 }, (_, index) => `http:${index + 1}`).join(","), "on at most 64 ports, not 65"],
])("%s is refused", (text, words) => {
  expect(() => forced(text)).toThrow(words);
});
