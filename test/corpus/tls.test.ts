/** Handshakes of every capture, as tshark counts them: server names and JA3. */
import { describe, expect, test } from "vitest";
import { corpusBytes, HAS_CORPUS } from "../support/corpus";
import { tlsFiguresOf, tlsRows } from "../support/tls-messages";

/** Captures in which tshark counts otherwise: the first packet that shows it, and why. */
const EXCEPTIONS: { file: string; packet: number; reason: string }[] = [
  {
    file: "upstream/OISF/suricata-verify/tests/tls-duplicate-hello/input.pcap",
    packet: 9,
    reason: "a second hello that breaks its form, in the handshake that the first began",
  },
];

describe.runIf(HAS_CORPUS)("client hellos", () => {
  const rows = HAS_CORPUS ? tlsRows() : [];

  test.each(rows.map((row) => [row.file, row] as const))("%s", (file, { expected }) => {
    if (EXCEPTIONS.some((exception) => exception.file === file)) return;
    expect(tlsFiguresOf(corpusBytes(file))).toEqual(expected);
  });

  test("of many captures, with few exceptions", () => {
    expect(rows.length).toBeGreaterThan(130);
    expect(EXCEPTIONS.length).toBe(1);
  });
});
