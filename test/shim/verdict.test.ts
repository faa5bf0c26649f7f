/** What each answer of the hub means for the bundle that was posted. */
import { describe, expect, test } from "vitest";
import { hubAddress } from "../../shim/post/hub-address";
import { judge, parseRetryAfter } from "../../shim/post/verdict";

const answer = (status: number, error?: string, retryAfter?: string) => ({
  status,
  body: error === undefined ? undefined : { error, reason: "why" },
  retryAfter,
});

describe("a bundle", () => {
  test.each([
    [answer(200), "stored"],
    [answer(204), "stored"],
    [answer(422, "bad_payload"), "refused"],
    [answer(422, "too_late"), "refused"],
    [answer(413, "bundle_too_large"), "refused"],
    [answer(415, "bad_content_encoding"), "refused"],
    [answer(422, "clock_ahead"), "early"],
    [answer(400, "bad_tags"), "held"],
    [answer(422, "too_many_tags"), "held"],
    [answer(401, "bad_key"), "held"],
    [answer(403, "wrong_kind"), "held"],
    [answer(404, "not_found"), "held"],
    [answer(302), "held"],
    // A proxy's page is no word of the hub.
    [answer(400), "held"],
    [answer(413), "held"],
    [answer(422, "too_many_tag_values"), "held"],
    [answer(429, "too_many_edges"), "paced"],
    [answer(429, "too_fast"), "paced"],
    [answer(503, "behind"), "later"],
    [answer(500), "later"],
    [answer(408), "later"],
  ])("%o is %s", (given, kind) => {
    expect(judge(given, 0).kind).toBe(kind);
  });

  test("is posted again when the hub says", () => {
    expect(judge(answer(503, "behind", "7"), 0)).toEqual({ kind: "later", reason: "503 behind why", afterMs: 7000 });
    expect(judge(answer(422, "clock_ahead", "3"), 0)).toEqual({ kind: "early", reason: "422 clock_ahead why", afterMs: 3000 });
    expect(judge(answer(429, "too_fast", "3"), 0)).toEqual({ kind: "paced", reason: "429 too_fast why", afterMs: 3000 });
    expect(parseRetryAfter("Thu, 01 Jan 1970 00:01:00 GMT", 30_000)).toBe(30_000);
    expect(parseRetryAfter("Thu, 01 Jan 1970 00:00:00 GMT", 30_000)).toBe(0);
    expect(parseRetryAfter("86400", 0)).toBe(900_000);
    expect(parseRetryAfter("soon", 0)).toBeUndefined();
  });
});

describe("the address of a hub", () => {
  test.each(["https://hub.example.com", "http://127.0.0.1:8787", "http://localhost:1", "http://[::1]:8787/", "http://127.9.9.9"])(
    "%s is taken",
    (text) => {
      expect(hubAddress(text).href).toMatch(/\/$/);
    },
  );

  test.each([
    ["http://hub.example.com", "is not encrypted and not on this host; use https, or add --insecure"],
    ["http://127.0.0.1.example.com", "is not encrypted"],
    ["http://localhost.example.com", "is not encrypted"],
    ["hub.example.com", "is no address of a hub"],
    ["ftp://127.0.0.1", "use https"],
    ["https://user:secret@hub.example.com", "give the key with --key"],
    ["https://hub.example.com/?key=1", "give the key with --key"],
  ])("%s is refused", (text, reason) => {
    expect(() => hubAddress(text)).toThrow(reason);
  });

  test("--insecure takes any host, and paths are kept", () => {
    expect(hubAddress("http://hub.example.com/tally", true).href).toBe("http://hub.example.com/tally/");
  });
});
