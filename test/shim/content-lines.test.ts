import { expect, test } from "vitest";
import { fields } from "../../engine/describe";
import type { MessageFields, RoundTrip } from "../../engine/round-trip";
import { contentLines } from "../../shim/output/content-lines";

const linesOf = (request?: object, response?: object) =>
  contentLines({
    ...(request === undefined ? {} : { request: { bytes: 1, ...request } }),
    ...(response === undefined ? {} : { response: { bytes: 1, ...response } }),
  } as RoundTrip).split("\n");
const row = (name: string, value: string) => ({ name, value });

test("headers, body and trailers stand below each other, with a line between", () => {
  const request = { headers: [row("accept", "*/*")] };
  const response = { headers: [row("a", "1"), row("b", "")], body: "one\r\ntwo", trailers: [row("x-sum", "9")] };
  expect(linesOf(request, response)).toEqual([
    "    > accept: */*",
    "    < a: 1",
    "    < b:",
    "    <",
    "    < one",
    "    < two",
    "    <",
    "    < x-sum: 9",
    "",
  ]);
});

test("what there is none of takes no line", () => {
  expect(linesOf({}, { body: "" })).toEqual([""]);
  expect(linesOf(undefined, { headers: [row("a", "1")], trailers: [] })).toEqual(["    < a: 1", ""]);
  expect(linesOf({ body: "text" })).toEqual(["    > text", ""]);
  expect(linesOf({ body: '{"a":1}\r\n' })).toEqual(['    > {"a":1}', ""]);
  expect(linesOf({ body: "a\n\n" })).toEqual(["    > a", "    >", ""]);
});

test("trailers stand in the line with all fields where no headers are shown, and only there", () => {
  const trailers = [row("x-sum", "9")];
  expect(linesOf(undefined, { trailers })).toEqual([""]);
  const wide = (message: object) => fields({ bytes: 1, ...message } as MessageFields);
  expect(wide({ trailers })).toBe("bytes=1 trailers=[x-sum 9]");
  expect(wide({ trailers, headers: [], body: "a" })).toBe("bytes=1");
});

test("what a terminal would obey is shown as it is written", () => {
  expect(linesOf({ headers: [row("a", "\u001b[2J")] })[0]).not.toContain("\u001b");
});
