/** JA4 of client hellos: as others publish it for the same captures, and by an encoder of the specification's text over what tshark shows. */
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { corpusBytes, HAS_CORPUS } from "../support/corpus";
import { readRoundTrips } from "../support/round-trips";
import { tlsRows } from "../support/tls-messages";
import { HAS_TSHARK, tsharkFields } from "../support/tshark";

/** What FoxIO's own program (the snapshots of its tests) and Suricata's tests say of captures. */
const PUBLISHED: [file: string, ja4: string][] = [
  ["upstream/arkime/arkime/tests/pcap/tls-alpn-h2.pcap", "t12d4605h2_85626a9a5f7f_aaf95bb78ec9"],
  ["upstream/arkime/arkime/tests/pcap/https3-301-get.pcap", "t10d230100_6a57a6f57151_000000000000"],
  ["upstream/OISF/suricata-verify/tests/ja4-tls/input.pcap", "t12i1810s1_27d4652c4487_06a4338d0495"],
  // FoxIO's copy of this capture says h2 in the hello, this one H2; all else is the same.
  ["upstream/arkime/arkime/tests/pcap/badcurveball.pcap", "t13d1615H2_46e7e9700bed_45f260be83e2"],
];

const short = (text: string) => (text === "" ? "0".repeat(12) : createHash("sha256").update(text).digest("hex").slice(0, 12));
const isGrease = (value: number) => (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 255);
const numbers = (list: string) =>
  list
    .split(",")
    .filter(Boolean)
    .map(Number)
    .filter((value) => !isGrease(value));
const hex = (value: number) => value.toString(16).padStart(4, "0");
const two = (count: number) => String(Math.min(count, 99)).padStart(2, "0");
const VERSIONS: Record<number, string> = {
  772: "13",
  771: "12",
  770: "11",
  769: "10",
  768: "s3",
  2: "s2",
  65279: "d1",
  65277: "d2",
  65276: "d3",
};
const SERVER_NAME = 0;
const ALPN = 16;

function alpnOf(first: string): string {
  if (first === "") return "00";
  const bytes = Buffer.from(first);
  const isPlain = [bytes[0]!, bytes.at(-1)!].every((byte) => /[0-9A-Za-z]/.test(String.fromCharCode(byte)));
  const text = isPlain ? first : bytes.toString("hex");
  return text[0]! + text.at(-1)!;
}

/** JA4 by the text of FoxIO's "JA4: TLS Client Fingerprinting", out of a hello's numbers. */
function ja4Of(legacy: string, supported: string, ciphers: string, extensions: string, signatures: string, alpn: string): string {
  const types = numbers(extensions);
  const suites = numbers(ciphers);
  const version = VERSIONS[Math.max(...numbers(supported), supported === "" ? Number(legacy) : 0)] ?? "00";
  const name = types.includes(SERVER_NAME) ? "d" : "i";
  const others = types
    .filter((type) => type !== SERVER_NAME && type !== ALPN)
    .map(hex)
    .sort();
  const signed = numbers(signatures).map(hex);
  const last = others.length === 0 ? "" : others.join(",") + (signed.length === 0 ? "" : `_${signed.join(",")}`);
  const first = `t${version}${name}${two(suites.length)}${two(types.length)}${alpnOf(alpn.split(",")[0]!)}`;
  return `${first}_${short(suites.map(hex).sort().join(","))}_${short(last)}`;
}

const FIELDS = [
  "tls.handshake.type",
  "tls.handshake.version",
  "tls.handshake.extensions.supported_version",
  "tls.handshake.ciphersuite",
  "tls.handshake.extension.type",
  "tls.handshake.sig_hash_alg",
  "tls.handshake.extensions_alpn_str",
];

/** The JA4 of each hello that tshark shows whole and alone in its packet; signatures of other extensions are none of it. */
function tsharkJa4(file: Uint8Array): string[] {
  return tsharkFields(file, FIELDS, ["-Y", "tls.handshake.type == 1 && tcp"])
    .filter(([types, , , ciphers]) => types === "1" && ciphers !== "")
    .filter(([, , , , extensions]) => !numbers(extensions!).some((type) => type === 34 || type === 50))
    .map(([, ...rest]) => ja4Of(...(rest as Parameters<typeof ja4Of>)));
}

const ours = (file: Uint8Array) =>
  readRoundTrips(file).flatMap(({ request }) => (request?.ja4 === undefined ? [] : [String(request.ja4)]));

describe("the encoder", () => {
  const signatures = "0x0403,0x0804,0x0401,0x0503,0x0805,0x0501,0x0806,0x0601";
  const ciphers = "0x1301,0x1302,0x1303,0xc02b,0xc02f,0xc02c,0xc030,0xcca9,0xcca8,0xc013,0xc014,0x009c,0x009d,0x002f,0x0035";
  const extensions = "27,0,51,16,17513,23,45,13,5,35,18,43,65281,11,10,21";

  test("gives the examples of the specification", () => {
    expect(ja4Of("0x0303", "0x0a0a,0x0304,0x0303", ciphers, extensions, signatures, "h2,http/1.1")).toBe(
      "t13d1516h2_8daaf6152771_e5627efa2ab1",
    );
    expect(ja4Of("0x0303", "", ciphers, extensions, "", "")).toBe("t12d151600_8daaf6152771_6d807ffa2a79");
  });

  test.each([
    ["0x0304,0x0303", "13"],
    ["0x7f1c,0x0304,0x0303", "00"],
    ["0x0303,0xfb17", "00"],
    ["0x1a1a", "00"],
  ])("versions %s are %s", (supported, letters) => {
    expect(ja4Of("0x0303", supported, "0x1301", "43", "", "").slice(1, 3)).toBe(letters);
  });

  test.each([
    ["http/1.1", "h1"],
    ["h", "hh"],
    ["0\u0002", "32"],
  ])("the ALPN %j is %s", (alpn, letters) => expect(alpnOf(alpn)).toBe(letters));
});

describe.runIf(HAS_CORPUS)("captures", () => {
  test.each(PUBLISHED)("%s as published", (file, ja4) => expect(ours(corpusBytes(file))).toEqual([ja4]));

  test.runIf(HAS_TSHARK)(
    "as the encoder makes it of what tshark shows: a sample, and drafts of TLS 1.3",
    { timeout: 180_000 },
    () => {
      const sample = tlsRows().filter(({ file }, index) => index % 5 === 0 || file.includes("draft"));
      let compared = 0;
      for (const { file } of sample) {
        const bytes = corpusBytes(file);
        const found = new Set(ours(bytes));
        for (const ja4 of tsharkJa4(bytes)) {
          expect([file, ja4, found.has(ja4)]).toEqual([file, ja4, true]);
          compared += 1;
        }
      }
      expect(compared).toBeGreaterThan(45);
    },
  );
});
