import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { BodyOwner } from "../../engine/round-trip";
import { bodyReader } from "../../shim/output/body";
import { hiddenForm, hiddenJson } from "../../shim/output/hidden-literals";

const bytesOf = (text: string) => new TextEncoder().encode(text);
type Said = Record<string, string>;
const OWNER: BodyOwner = { protocol: "http", side: "response", asked: undefined };
const hidden = (bytes: Uint8Array, said: Said) => bodyReader(false)(bytes, { bytes: 0, ...said }, OWNER);
const raw = (bytes: Uint8Array, said: Said) => bodyReader(true)(bytes, { bytes: 0, ...said }, OWNER);
const JSON_TYPE = { contentType: "application/json; charset=utf-8" };
const TEXT = JSON.stringify({ user: "anna", age: 42, admin: true, tags: ["x", "y"], none: null });
const HIDDEN = '{"user":"?","age":?,"admin":true,"tags":["?","?"],"none":null}';

describe("literals", () => {
  test("of JSON are hidden, names are not", () => {
    expect(hidden(bytesOf(TEXT), JSON_TYPE)).toBe(HIDDEN);
    expect(hidden(bytesOf(TEXT), { contentType: "application/problem+json" })).toBe(HIDDEN);
    expect(hiddenJson('{"a" : "b\\"c:", "d": -1.5e3}\n{"a":[]}')).toBe('{"a" : "?", "d": ?}\n{"a":[]}');
  });

  test("of what is no JSON are hidden too, where no name may stand", () => {
    expect(hiddenJson('["a":"s3cr3t":"x"]')).toBe('["?":"?":"?"]');
    expect(hiddenJson('{"a" "s3cr3t":1}')).toBe('{"?" "?":?}');
    expect(hiddenJson('{"a":"s3cr3t":1, "b":[{"c":{}}, "s3cr3t":2], "d":3}')).toBe('{"a":"?":?, "b":[{"c":{}}, "?":?], "d":?}');
    expect(hiddenJson('"s3cr3t":1}, "s3cr3t":2')).toBe('"?":?}, "?":?');
  });

  test("of any JSON, cut anywhere", () => {
    const secret = fc.constantFrom("s3cr3t", 's3"cr\\3t', "s3:cr3t", "s3cr3t\\");
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        secret,
        fc.constant(31_337),
        fc.boolean(),
        fc.array(tie("any"), { maxLength: 4 }),
        fc.dictionary(fc.constantFrom("a", 'b"', "c:"), tie("any"), { maxKeys: 3 }),
      ),
    })).any;
    fc.assert(
      fc.property(value, fc.nat(400), fc.boolean(), (one, cut, spaced) => {
        const text = JSON.stringify(one, null, spaced ? 1 : 0);
        const shown = hiddenJson(text.slice(0, cut));
        expect(shown).not.toMatch(/s3|cr3?t|3t|313|37/);
        // What is whole keeps its shape.
        const shape = (part: unknown): unknown =>
          Array.isArray(part)
            ? part.map(shape)
            : typeof part === "object" && part !== null
              ? Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, shape(inner)]))
              : typeof part === "boolean"
                ? part
                : 0;
        const parsed = JSON.parse(hiddenJson(text).replaceAll('"?"', "0").replaceAll("?", "0"));
        expect(parsed).toEqual(shape(one));
      }),
      { numRuns: 500 },
    );
  });

  test("of forms", () => {
    expect(hiddenForm("user=anna&password=s3cr3t&flag&a=b=c")).toBe("user=?&password=?&?&a=?");
    expect(hidden(bytesOf("user=anna"), { contentType: "application/x-www-form-urlencoded" })).toBe("user=?");
  });

  test.each(["text/plain", "text/html", "application/xml", ""])(
    "what %s says cannot be told from its shape: its size alone",
    (contentType) => {
      expect(hidden(bytesOf("s3cr3t"), { contentType })).toBe(`(6 bytes, ${contentType || "no content type"}; --raw shows them)`);
      expect(raw(bytesOf("s3cr3t"), { contentType })).toBe("s3cr3t");
    },
  );
});

describe("codings", () => {
  const packed = { gzip: gzipSync(TEXT), "x-gzip": gzipSync(TEXT), deflate: deflateSync(TEXT), br: brotliCompressSync(TEXT) };

  test.each(Object.entries(packed))("%s is taken off", (contentEncoding, bytes) => {
    expect(raw(bytes, { ...JSON_TYPE, contentEncoding })).toBe(TEXT);
    expect(hidden(bytes, { ...JSON_TYPE, contentEncoding })).toBe(HIDDEN);
  });

  test("one upon another, and deflate without its header", () => {
    expect(raw(gzipSync(deflateSync(TEXT)), { contentEncoding: "deflate, gzip" })).toBe(TEXT);
    expect(raw(deflateRawSync(TEXT), { contentEncoding: "deflate" })).toBe(TEXT);
    expect(raw(bytesOf(TEXT), { contentEncoding: "identity" })).toBe(TEXT);
  });

  test("as far as it goes where its end was not kept", () => {
    const long = Array.from({ length: 4000 }, (_, index) => `${index} `).join("");
    const shown = raw(gzipSync(long).subarray(0, 1000), { contentEncoding: "gzip" });
    expect(shown.length).toBeGreaterThan(500);
    expect(long.startsWith(shown)).toBe(true);
  });

  test("what grows beyond all bounds is bounded, what is damaged or unknown is its size", () => {
    const zeros = gzipSync("a".repeat(3 << 20));
    expect(raw(zeros.subarray(0, 2048), { contentEncoding: "gzip" })).toHaveLength(8192);
    expect(raw(bytesOf("no gzip at all"), { contentEncoding: "gzip" })).toBe("(14 bytes, gzip)");
    expect(raw(bytesOf("1234"), { contentEncoding: "zstd" })).toBe("(4 bytes, zstd)");
  });
});

describe("messages of calls", () => {
  const packed = (content: Uint8Array, isCompressed = false) => {
    const prefix = Buffer.alloc(5);
    prefix.writeUInt8(isCompressed ? 1 : 0);
    prefix.writeUInt32BE(content.length, 1);
    return Buffer.concat([prefix, content]);
  };
  const type = { contentType: "application/grpc+proto" };
  // A field of protobuf whose length is that of a line's end: it looks like text.
  const field = bytesOf("\n\rsome text her");

  test("are shown without their prefix, a line each, also where they look like text", () => {
    const body = Buffer.concat([packed(field), packed(new Uint8Array()), packed(Uint8Array.of(8, 150, 1))]);
    expect(raw(body, type)).toBe(`base64:${Buffer.from(field).toString("base64")}\n(0 bytes)\nbase64:CJYB`);
    expect(hidden(body, type)).toBe("(15 bytes, application/grpc+proto)\n(0 bytes)\n(3 bytes, application/grpc+proto)");
  });

  test("end where what was kept ends", () => {
    const body = Buffer.concat([packed(Uint8Array.of(1, 2, 3)), packed(Uint8Array.of(4, 5, 6))]);
    expect(raw(body.subarray(0, 15), type)).toBe("base64:AQID\nbase64:BAU=");
    expect(raw(body.subarray(0, 10), type)).toBe("base64:AQID");
    expect(raw(body.subarray(0, 4), type)).toBe("");
  });

  test("are decompressed each by itself", () => {
    const body = Buffer.concat([packed(gzipSync(field), true), packed(field)]);
    const shown = `base64:${Buffer.from(field).toString("base64")}`;
    expect(raw(body, { ...type, encoding: "gzip" })).toBe(`${shown}\n${shown}`);
    const size = gzipSync(field).length;
    expect(raw(body, type).split("\n")[0]).toBe(`(${size} bytes, compressed)`);
    expect(raw(body, { ...type, encoding: "snappy" }).split("\n")[0]).toBe(`(${size} bytes, snappy)`);
  });

  test("of JSON are text, their literals hidden", () => {
    const said = { contentType: "application/grpc+json", encoding: "gzip" };
    const body = Buffer.concat([packed(bytesOf(TEXT)), packed(gzipSync(TEXT), true)]);
    expect(raw(body, said)).toBe(`${TEXT}\n${TEXT}`);
    expect(hidden(body, said)).toBe(`${HIDDEN}\n${HIDDEN}`);
  });

  test("of another protocol with a like name are a body", () => {
    expect(raw(bytesOf("AAAA"), { contentType: "application/grpc-web-text" })).toBe("AAAA");
  });
});

test("what is no text", () => {
  const bytes = Uint8Array.of(0, 1, 2, 255);
  expect(hidden(bytes, JSON_TYPE)).toBe("(4 bytes, binary)");
  expect(raw(bytes, JSON_TYPE)).toBe("base64:AAEC/w==");
  expect(hidden(new Uint8Array(), JSON_TYPE)).toBe("");
});
