/** Frames of every capture with a WebSocket, as tshark counts them: opcodes, bytes of payload and close codes of each side. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { MessageFields } from "../../engine/round-trip";
import { CORPUS, corpusBytes, corpusIndex, HAS_CORPUS } from "../support/corpus";
import { type Exception, expectEqualBut, expectFew } from "../support/exceptions";
import { readRoundTrips } from "../support/round-trips";
import { HAS_TSHARK, tsharkFields } from "../support/tshark";

const OPCODES = ["continuation", "text", "binary"];
const CONTROL = ["close", "ping", "pong"];

/** "text frames", "text bytes", "close 1000": how many of each. */
type Figures = Record<string, number>;

const FIELDS = ["opcode", "payload_length", "payload_length_ext_16", "payload_length_ext_64", "payload.close.status_code"];

/** What tshark shows: frames and bytes of each opcode, and close codes. */
function tsharkFigures(file: Uint8Array): Figures {
  const figures: Figures = {};
  const add = (what: string, count: number) => {
    figures[what] = (figures[what] ?? 0) + count;
  };
  const names = FIELDS.map((name) => `websocket.${name}`);
  for (const [opcodes = "", lengths = "", longs = "", longers = "", codes = ""] of tsharkFields(file, names)) {
    const list = (cell: string) => cell.split(",").filter((value) => value !== "");
    const [two, eight] = [list(longs), list(longers)];
    for (const [index, opcode] of list(opcodes).entries()) {
      const short = Number(list(lengths)[index]);
      const bytes = short < 126 ? short : Number(short === 126 ? two.shift() : eight.shift());
      const name = Number(opcode) < 8 ? OPCODES[Number(opcode)]! : CONTROL[Number(opcode) - 8]!;
      add(`${name} frames`, 1);
      if (name !== "close") add(`${name} bytes`, bytes);
    }
    for (const code of list(codes)) add(`close ${code}`, 1);
  }
  return figures;
}

/** The same of our round trips. */
function ourFigures(file: Uint8Array): Figures {
  const figures: Figures = {};
  const add = (what: string, count: number) => {
    figures[what] = (figures[what] ?? 0) + count;
  };
  const addSide = (message: MessageFields) => {
    let named = 0;
    for (const name of [...OPCODES, "ping", "pong"]) {
      const frames = Number(message[`${name}Frames`]);
      named += frames;
      if (frames === 0) continue;
      add(`${name} frames`, frames);
      add(`${name} bytes`, Number(message[`${name}Bytes`]));
    }
    if (Number(message.frames) > named) add("close frames", Number(message.frames) - named);
    if (message.closeCode !== undefined && message.closeCode !== 1005) add(`close ${message.closeCode}`, 1);
  };
  for (const { protocol, request, response } of readRoundTrips(file)) {
    if (protocol !== "websocket") continue;
    addSide(request!);
    addSide(response!);
  }
  return figures;
}

test.runIf(HAS_CORPUS)("generated/websocket_node.pcap says what its client says", () => {
  const { sent, got } = JSON.parse(readFileSync(join(CORPUS, "generated/websocket_node.truth.json"), "utf8"));
  const trips = readRoundTrips(corpusBytes("generated/websocket_node.pcap"));
  const [talk, ...others] = trips.filter(({ protocol }) => protocol === "websocket");
  expect(others).toEqual([]);
  expect(trips.filter(({ response }) => response?.statusCode === 101)).toHaveLength(sent.upgrade);
  const { textFrames, binaryFrames, pingFrames, frames, closeCode } = talk!.request!;
  const closes = Number(frames) - Number(textFrames) - Number(binaryFrames) - Number(pingFrames);
  expect({ text: textFrames, binary: binaryFrames, ping: pingFrames, close: closes, upgrade: 1 }).toEqual(sent);
  expect({ echo: talk!.response!.messages, echo_bytes: talk!.response!.bodyBytes }).toEqual(got);
  expect([talk!.status, closeCode]).toEqual(["ok", 1000]);
});

/** Captures in which tshark counts otherwise: the first packet that shows it, and why. */
const EXCEPTIONS: Exception[] = [];

describe.runIf(HAS_CORPUS && HAS_TSHARK)("frames", () => {
  const files = HAS_CORPUS ? corpusIndex().filter(({ tags }) => tags.includes("websocket")) : [];

  test.each(files.map(({ file }) => file))("%s", (file) => {
    const bytes = corpusBytes(file);
    expectEqualBut(EXCEPTIONS, file, ourFigures(bytes), tsharkFigures(bytes));
  });

  test("of many captures, with few exceptions", () => {
    expect(files.length).toBeGreaterThanOrEqual(14);
    expectFew(EXCEPTIONS);
  });
});
