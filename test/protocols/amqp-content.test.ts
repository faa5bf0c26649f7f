/** Bodies of AMQP messages, kept where it is asked for: as they were sent, each on its channel, up to what was not captured. */
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import module from "../../build/core.wasm";
import { Core, type CoreOptions } from "../../engine/core";
import { type RoundTrip, RoundTripReader } from "../../engine/round-trip";
import { bodyReader } from "../../shim/output/body";
import { ack, amqp, deliver, frame, get, getOk, method, publish, short, together, u8, u16, u32, u64 } from "../support/amqp";
import { tripsThrough } from "../support/core-trips";
import { corpusBytes, HAS_CORPUS } from "../support/corpus";
import { type Captured, pcap } from "../support/pcap-builder";
import { HAS_TSHARK, tsharkFields } from "../support/tshark";

/** The AMQP round trips of a capture, bodies as they are shown. */
function read(file: Uint8Array, raw = true, options: CoreOptions = { bodyBytes: 2048 }): RoundTrip[] {
  const core = new Core(module, { events: true, budgetBytes: 8 << 20, raw, ...options });
  const reader = new RoundTripReader(core.schema, () => undefined, bodyReader(raw));
  return tripsThrough(core, file, reader).filter(({ protocol }) => protocol === "amqp");
}

const bodies = (packets: Captured[], raw = true, options?: CoreOptions) =>
  read(pcap(packets), raw, options).map(({ request, response }) => request?.body ?? response?.body);

const bytesOf = (text: string | Uint8Array) => [...(typeof text === "string" ? new TextEncoder().encode(text) : text)];

/** The frames of a content, by `frameBytes` of its body each. */
function contentOf(
  channel: number,
  body: string | Uint8Array,
  type = "text/plain",
  encoding = "",
  frameBytes = 4096,
): Uint8Array[] {
  const bytes = bytesOf(body);
  const flags = (type ? 0x8000 : 0) | (encoding ? 0x4000 : 0);
  const properties = [...(type ? short(type) : []), ...(encoding ? short(encoding) : [])];
  const frames = [frame(2, channel, [...u16(60), ...u16(0), ...u64(bytes.length), ...u16(flags), ...properties])];
  for (let at = 0; at < bytes.length; at += frameBytes) frames.push(frame(3, channel, bytes.slice(at, at + frameBytes)));
  return frames;
}

const publishing = (channel: number, key: string) => method(channel, 60, 40, u16(0), short("x"), short(key), u8(0));
const sent = (channel: number, ...content: Parameters<typeof contentOf> extends [number, ...infer Rest] ? Rest : never) =>
  together(publishing(channel, "k"), ...contentOf(channel, ...content));

describe("what was sent", () => {
  const json = '{"user":"anna","age":42,"tags":["a"]}';

  test.each([1, 2, 3, 7, 64, 1400])("is shown, in pieces of %i bytes and frames of 5", (segment) => {
    const talk = amqp().send(
      "client",
      together(sent(1, "hello", "text/plain", "", 5), sent(2, json, "application/json", "", 5)),
      segment,
    );
    const delivered = method(3, 60, 60, short("c"), u64(1), u8(0), short("x"), short("k"));
    talk.send("server", together(delivered, ...contentOf(3, "for you", "", "", 5)), segment).send("client", ack(3, 1));
    talk.send("client", get(4, "q"));
    const brought = method(4, 60, 71, u64(1), u8(0), short("x"), short("k"), u32(4));
    talk.send("server", together(brought, ...contentOf(4, "got", "", "", 5)), segment).close();
    expect(bodies(talk.packets)).toEqual(["hello", json, "for you", "got"]);
  });

  test("is hidden unless it is asked for raw", () => {
    const all = together(sent(1, "hello"), sent(1, json, "application/json"), sent(1, Uint8Array.of(0, 1), ""));
    const talk = amqp().send("client", all).close();
    expect(bodies(talk.packets, false)).toEqual([
      "(5 bytes, text/plain; --raw shows them)",
      '{"user":"?","age":?,"tags":["?"]}',
      "(2 bytes, binary)",
    ]);
    expect(bodies(talk.packets)[2]).toBe("base64:AAE=");
  });

  test("is decompressed", () => {
    const talk = amqp()
      .send("client", sent(1, new Uint8Array(gzipSync(json)), "application/json", "gzip"))
      .close();
    expect(bodies(talk.packets)).toEqual([json]);
    expect(read(pcap(talk.packets))[0]!.request).toMatchObject({ contentEncoding: "gzip", contentType: "application/json" });
  });

  test("contents of several channels do not mix", () => {
    const [one, two] = [contentOf(1, "a".repeat(50), "text/plain", "", 10), contentOf(2, "b".repeat(50), "text/plain", "", 10)];
    const mixed = one.flatMap((each, index) => [each, two[index]!]);
    const talk = amqp()
      .send("client", together(publishing(1, "k"), publishing(2, "k"), ...mixed), 9)
      .close();
    expect(bodies(talk.packets).sort()).toEqual(["a".repeat(50), "b".repeat(50)]);
  });

  test.each([1, 100, 1400])("so many bytes are kept as were asked for, in pieces of %i", (segment) => {
    const long = "0123456789".repeat(1000);
    const talk = amqp()
      .send("client", together(sent(1, long), sent(1, "next")), segment)
      .close();
    expect(bodies(talk.packets, true, { bodyBytes: 300 })).toEqual([long.slice(0, 300), "next"]);
  });
});

test("behind missing bytes nothing more is kept", () => {
  const body = Array.from({ length: 60 }, (_, index) => `word ${index};`).join("");
  const talk = amqp()
    .send("client", together(sent(1, body, "text/plain", "", 100), sent(1, "next"), sent(1, "last")), 70)
    .close();
  for (let lost = 4; lost < talk.packets.length; lost++) {
    for (const shown of bodies(talk.packets.filter((_, index) => index !== lost))) {
      expect(
        [body, "next", "last"].some((whole) => whole.startsWith(String(shown ?? ""))),
        `${lost}: ${shown}`,
      ).toBe(true);
    }
  }
});

test("what proves who a client is is nowhere", () => {
  const start = method(0, 10, 11, u32(0), short("PLAIN"), [...u32(14), ...bytesOf("\0guest\0hunter2")], short("en_US"));
  const talk = amqp().send("server", method(0, 10, 10, u8(0), u8(9), u32(0), u32(5), bytesOf("PLAIN"), u32(5), bytesOf("en_US")));
  talk.send("client", start).send("client", sent(1, "hello")).close();
  const trips = read(pcap(talk.packets));
  expect(JSON.stringify(trips)).not.toContain("hunter2");
  expect(trips.map(({ request }) => request?.body).filter(Boolean)).toEqual(["hello"]);
});

test("messages without content, and those that are settled, carry nothing of others", () => {
  const talk = amqp()
    .send("client", publish(1, "x", "k", 3))
    .send("server", deliver(1, 1))
    .send("client", ack(1, 1));
  talk.send("client", get(1, "q")).send("server", getOk(1, 2)).close();
  for (const { request, response } of read(pcap(talk.packets))) {
    for (const side of [request, response]) expect(String(side?.body ?? "").replaceAll("x", "")).toBe("");
    if (response?.method === "ack") expect(response).not.toHaveProperty("body");
  }
});

describe.runIf(HAS_CORPUS)("captures", () => {
  const upstream = "upstream/urso/packetbeat/packetbeat/tests/system/pcaps";
  const files = ["generated/amqp_node.pcap", `${upstream}/amqp_emit_receive.pcap`, `${upstream}/amqp_publish.pcap`];

  test.each(files)("%s: nothing else changes", (name) => {
    const kept = read(corpusBytes(name));
    for (const { request, response } of kept) {
      delete request?.body;
      delete response?.body;
    }
    expect(kept).toEqual(read(corpusBytes(name), true, {}));
  });

  test.runIf(HAS_TSHARK).each(files)("%s: bodies are tshark's", (name) => {
    const rows = tsharkFields(corpusBytes(name), ["amqp.payload"], ["-Y", "amqp.payload", "-E", "aggregator=|"]);
    const theirs = rows.flatMap(([payloads = ""]) => payloads.split("|")).map((hex) => Buffer.from(hex, "hex").toString());
    const ours = read(corpusBytes(name)).flatMap(({ request, response }) => [request?.body, response?.body]);
    // Of a body in several frames the others begin as the first does.
    const first = (texts: unknown[]) => [...new Set(texts.map((text) => String(text).slice(0, 2048)))].sort();
    expect(first(ours.filter((body) => body !== undefined))).toEqual(first(theirs));
    expect(theirs.length).toBeGreaterThan(0);
  });
});
