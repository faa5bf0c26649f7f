/** Any words of a command line, and any answers of a hub: taken, or one line that says what is wrong. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseNetwork, SettingError } from "../../engine/settings";
import { agentSettings } from "../../shim/agent/settings";
import { Failure } from "../../shim/failure";
import { judge, parseRetryAfter } from "../../shim/post/verdict";

const KEY = `tw_w_tenant.edge.${"A".repeat(43)}`;

const word = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.string({ unit: "binary", maxLength: 10 }),
  fc.constantFrom(
    "https://hub.test",
    "http://127.0.0.1:8787/x",
    "http://hub.test",
    "https://a:b@hub.test?c#d",
    KEY,
    "tw_r_a.b",
    "-",
    "",
  ),
  fc.constantFrom("site=fra1", "site=a,site=b", "a=b=c", "a=\ud800", "=,=,=", "x=".repeat(40)),
);
const options = fc.record(
  {
    file: fc.array(word, { maxLength: 2 }),
    interface: word,
    hub: word,
    key: word,
    tags: fc.oneof(word, fc.constant("site=fra1")),
    spool: word,
    edge: fc.oneof(word, fc.constant("edge-1")),
    insecure: fc.boolean(),
    hostNetwork: fc.array(fc.oneof(word, fc.constantFrom("10.0.0.0/8", "2001:db8::/32")), { maxLength: 2 }),
  },
  { requiredKeys: [] },
);

describe("the agent's words", () => {
  test("are settings, or a failure that says what is wrong", () => {
    let taken = 0;
    fc.assert(
      fc.property(options, (words) => {
        try {
          const { edge, tags } = agentSettings(words);
          expect(edge).toMatch(/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/);
          expect(tags).toMatch(/^[\x20-\x7e]*$/);
          taken += 1;
        } catch (error) {
          expect(error).toBeInstanceOf(Failure);
          expect((error as Failure).exitCode).toBe(2);
          expect((error as Failure).message.length).toBeGreaterThan(9);
        }
      }),
      { numRuns: 5000 },
    );
    expect(taken).toBeGreaterThan(0);
  });

  test("of a tag hold also what is no text", () => {
    expect(() => agentSettings({ file: ["a"], edge: "e", tags: "a=\ud800" })).toThrow(/"a=.*" is no tag/);
  });
});

describe("a network", () => {
  const part = fc.oneof(
    fc.constantFrom("10", "0", "255", "256", "::", ":", ".", "/", "8", "33", "129", "ffff", "2001", "db8", " ", "-"),
    word,
  );

  test("is 17 bytes, or refused in one line", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          word,
          fc.array(part, { maxLength: 12 }).map((parts) => parts.join("")),
        ),
        (text) => {
          try {
            const bytes = parseNetwork(text);
            expect(bytes).toHaveLength(17);
            expect(bytes.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256)).toBe(true);
            expect(bytes[16]).toBeLessThanOrEqual(128);
          } catch (error) {
            expect(error).toBeInstanceOf(SettingError);
          }
        },
      ),
      { numRuns: 5000 },
    );
  });

  test.each(["::ffff:1.2.3.4", "1.2.3.4/", "1.2.3.4/8/8", "1.2.3.4/1e1", "1.2.3.4/0x8", "1.2.3.4/ 8", ":::", "1::2::3", "/8"])(
    "%s is none",
    (text) => {
      expect(() => parseNetwork(text)).toThrow(SettingError);
    },
  );
});

describe("an answer of a hub", () => {
  test("is one of the verdicts, whatever it says", () => {
    const body = fc.option(
      fc.oneof(fc.object(), fc.record({ error: fc.anything(), reason: fc.anything(), status: fc.anything() })),
      {
        nil: undefined,
      },
    );
    const status = fc.oneof(fc.integer({ min: 100, max: 599 }), fc.constantFrom(200, 400, 401, 413, 422, 429, 503));
    fc.assert(
      fc.property(status, body, fc.option(word, { nil: undefined }), (status, body, retryAfter) => {
        const verdict = judge({ status, body: body as never, retryAfter }, Date.now());
        expect(["stored", "refused", "early", "held", "paced", "later"]).toContain(verdict.kind);
        const afterMs = parseRetryAfter(retryAfter, Date.now()) ?? 0;
        expect(afterMs >= 0 && afterMs <= 900_000).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });
});
