/** Handshakes of every capture, as tshark counts them: server names and JA3, and what the servers answered. */
import { describe, expect, test } from "vitest";
import { corpusBytes, HAS_CORPUS } from "../support/corpus";
import { type Exception, expectEqualBut, expectFew } from "../support/exceptions";
import { ourAnswers, storedAnswers, tlsFiguresOf, tlsRows, tsharkAnswers } from "../support/tls-messages";
import { HAS_TSHARK } from "../support/tshark";

/** Captures in which tshark counts otherwise: the first packet that shows it, and why. */
const EXCEPTIONS: Exception[] = [
  {
    file: "upstream/OISF/suricata-verify/tests/tls-duplicate-hello/input.pcap",
    packet: 9,
    reason: "a second hello that breaks its form, in the handshake that the first began",
  },
];

describe.runIf(HAS_CORPUS)("client hellos", () => {
  const rows = HAS_CORPUS ? tlsRows() : [];

  test.each(rows.map((row) => [row.file, row] as const))("%s", (file, { expected }) => {
    expectEqualBut(EXCEPTIONS, file, tlsFiguresOf(corpusBytes(file)), expected);
  });

  test("of many captures, with few exceptions", () => {
    expect(rows.length).toBeGreaterThan(130);
    expectFew(EXCEPTIONS);
  });
});

/** Captures in which tshark shows other answers: the first packet that shows it, and why. */
const OTHER_ANSWERS: Exception[] = [
  {
    file: "upstream/OISF/suricata-verify/tests/tls/tls-fingerprint-alert/input.pcap",
    packet: 8,
    reason: "a hello in segments out of order, which tshark shows as continuation data",
  },
  {
    file: "upstream/OISF/suricata-verify/tests/tls/tls13-draft14/tls13_draft14.pcap",
    packet: 6,
    reason: "draft 14, whose hello has no session: tshark looks for one, and finds a cipher that there is none of",
  },
  {
    file: "upstream/cisco/mercury/test/afl_data/corner-cases.pcap",
    packet: 3,
    reason: "bytes that a fuzzer changed: tshark joins segments of streams that it makes of single packets otherwise",
  },
  {
    file: "upstream/zeek/zeek/testing/btest/Traces/tls/hrr.pcap",
    packet: 11,
    reason: "the hello behind a retry in segments out of order, which tshark shows as continuation data",
  },
];

describe.runIf(HAS_CORPUS)("server hellos: version, cipher, ALPN and JA3S", () => {
  const rows = HAS_CORPUS ? tlsRows() : [];
  const stored = storedAnswers();

  test.each(rows.map(({ file }) => file))("%s", (file) => {
    expectEqualBut(OTHER_ANSWERS, file, ourAnswers(corpusBytes(file)), stored.get(file) ?? []);
  });

  test("of many captures, with few exceptions", () => {
    expect([...stored.values()].flat().length).toBeGreaterThan(150);
    expectFew(OTHER_ANSWERS);
  });

  // All of them take tshark two minutes.
  test.runIf(HAS_TSHARK)("are stored as tshark shows them: a sample", { timeout: 60_000 }, () => {
    const sample = rows.filter((_, index) => index % 14 === 0);
    for (const { file } of sample) expect(tsharkAnswers(corpusBytes(file)), file).toEqual(stored.get(file) ?? []);
  });
});
