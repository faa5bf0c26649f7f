/**
 * Secrets of TLS in pcapng files, put there by editcap: what they open is what a key log beside the file opens, and what tshark finds of it.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import module from "../../build/core.checked.wasm";
import { Core } from "../../engine/core";
import { type RoundTrip, RoundTripReader } from "../../engine/round-trip";
import { fileOpener, keyLogOpener } from "../../shim/tls/opener";
import { tallywire } from "../support/command";
import { join as joined, Pcapng } from "../support/pcap-builder";
import { recordLengths } from "../support/record-lengths";
import { ROOT } from "../support/repository";
import { readRoundTrips } from "../support/round-trips";
import { totalsOf } from "../support/summaries";
import { HAS_TSHARK, tsharkFields } from "../support/tshark";

const CAPTURE = join(ROOT, "test/fixtures/h2_tls.pcap");
const KEYS = join(ROOT, "test/fixtures/h2_tls.keys");
const TRUTH = JSON.parse(readFileSync(join(ROOT, "test/fixtures/h2_tls.truth.json"), "utf8"));
const LINES = readFileSync(KEYS, "utf8");
const SECRETS = 10;
const TLS_KEY_LOG = 0x544c534b;
const WIREGUARD_KEY_LOG = 0x57474b4c;

const ng = new Pcapng();
const u32 = (value: number) => new Uint8Array(new Uint32Array([value]).buffer);
const secretsBlock = (text: string, type = TLS_KEY_LOG, bytes = Buffer.byteLength(text)) =>
  ng.block(SECRETS, u32(type), u32(bytes), text);

/** What is inside of TLS, of round trips that are whole on both sides. */
const pairOf = ({ client, protocol, request, response }: RoundTrip) =>
  `${client.port} ${protocol} ${request?.method} ${request?.path} ${response?.statusCode}`;
const inside = (trips: RoundTrip[]) => trips.filter(({ marks }) => marks.includes("tls")).map(pairOf);
const opened = (file: Uint8Array) => inside(readRoundTrips(file, { tlsOpener: fileOpener() }));

describe.runIf(HAS_TSHARK)("secrets in a pcapng file", () => {
  const folder = mkdtempSync(join(tmpdir(), "tallywire-secrets-"));
  const path = (name: string) => join(folder, name);
  const expected = inside(readRoundTrips(readFileSync(CAPTURE), { tlsOpener: keyLogOpener(KEYS) }));
  /** The capture as pcapng, its blocks one by one, without secrets: section, interface, packets. */
  const blocks: Uint8Array[] = [];
  let injected: Uint8Array = new Uint8Array(0);

  /** The capture with blocks put before its block `index`. */
  const withBlocks = (index: number, ...more: Uint8Array[]) => joined(...blocks.slice(0, index), ...more, ...blocks.slice(index));

  beforeAll(() => {
    execFileSync("editcap", ["-F", "pcapng", CAPTURE, path("plain")], { stdio: "ignore" });
    execFileSync("editcap", ["--inject-secrets", `tls,${KEYS}`, CAPTURE, path("injected")], { stdio: "ignore" });
    injected = readFileSync(path("injected"));
    const plain = readFileSync(path("plain"));
    let at = 0;
    for (const length of recordLengths(plain)) {
      if (at < plain.length) blocks.push(plain.subarray(at, at + length));
      at += length;
    }
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test("open what the client asked for, as tshark has it", () => {
    expect(opened(injected)).toEqual(expected);
    expect(expected.length).toBe(TRUTH.sent["h2 GET"] + TRUTH.sent["http1 GET"]);
    const rows = tsharkFields(injected, ["http.request.method", "http2.headers.method"], ["-d", "tcp.port==8443,tls"]);
    const asked = (column: number) => rows.flatMap((row) => row[column]!.split(",")).filter(Boolean).length;
    expect([asked(1), asked(0)]).toEqual([TRUTH.sent["h2 GET"], TRUTH.sent["http1 GET"]]);
  });

  test("may stand between packets: they open what is not over before them", () => {
    const counts: number[] = [];
    for (let index = 2; index <= blocks.length; index++) {
      const told = opened(withBlocks(index, secretsBlock(LINES)));
      expect(told.filter((pair) => !expected.includes(pair))).toEqual([]);
      counts.push(told.length);
    }
    expect(counts[0]).toBe(expected.length);
    expect(counts.at(-1)).toBe(0);
    expect(counts).toEqual([...counts].sort((one, other) => other - one));
  });

  test("may come in several blocks, of which each opens what it knows", () => {
    const lines = LINES.split("\n").filter(Boolean);
    expect(opened(withBlocks(2, ...lines.map((line) => secretsBlock(line))))).toEqual(expected);
    const half = opened(withBlocks(2, secretsBlock(lines.filter((line) => line.startsWith("CLIENT_RANDOM")).join("\n"))));
    expect(half.length).toBe(expected.length / 2);
  });

  test.each([1, 1000, 65_537, 1 << 22])("may be longer than the input holds, in chunks of %i", (step) => {
    const junk = `# ${"j".repeat(997)}\n`.repeat(step === 1 ? 300 : 3000);
    const file = withBlocks(2, secretsBlock(junk + LINES + junk), secretsBlock("# behind it"));
    const core = new Core(module, { events: true, tlsOpener: fileOpener() });
    const reader = new RoundTripReader(core.schema);
    const trips: RoundTrip[] = [];
    core.drainTo({ events: (view) => trips.push(...reader.read(view)) });
    const input = core.open("file");
    // Byte by byte around the end of what one call takes, and else in larger ones: this is slow.
    const bounds = step === 1 ? [0, 262_000, ...Array.from({ length: 900 }, (_, i) => 262_001 + i), file.length] : undefined;
    if (bounds) for (let i = 1; i < bounds.length; i++) input.write(file.subarray(bounds[i - 1], bounds[i]));
    else for (let at = 0; at < file.length; at += step) input.write(file.subarray(at, at + step));
    expect(input.end()).toBe("whole");
    core.flush();
    expect(inside(trips)).toEqual(expected);
  });

  test("of others than TLS are passed over, and counted", () => {
    const file = withBlocks(2, secretsBlock("WireGuard's", WIREGUARD_KEY_LOG), secretsBlock(LINES), secretsBlock("", 1));
    expect(opened(file)).toEqual(expected);
    const totals = totalsOf(file, { tlsOpener: fileOpener() });
    expect(totals.count("capture_skipped_blocks_total")).toBe(2);
    expect(totals.count("capture_malformed_total")).toBe(0);
  });

  test("that are damaged are counted, and cost nothing else", () => {
    const tooLong = secretsBlock(LINES, TLS_KEY_LOG, LINES.length + 1000);
    const tooShort = ng.block(SECRETS, u32(TLS_KEY_LOG));
    const noise = secretsBlock("\0\x01CLIENT_RANDOM \xff\nCLIENT_RANDOM 12 34\n");
    const file = withBlocks(2, tooShort, noise, tooLong);
    expect(opened(file)).toEqual(expected);
    expect(totalsOf(file, { tlsOpener: fileOpener() }).count("capture_malformed_total", { reason: "block_length" })).toBe(2);
  });

  test("of a file that ends within them are a record that was cut", () => {
    const file = withBlocks(blocks.length, secretsBlock("# ".repeat(200_000)));
    for (const bytes of [20, 300_000]) {
      const totals = totalsOf(file.subarray(0, file.length - 400_000 + bytes), { tlsOpener: fileOpener() });
      expect(totals.count("capture_malformed_total", { reason: "record_cut" })).toBe(1);
    }
  });

  test("are asked of nobody who takes none, and a file without them costs nothing", () => {
    expect(inside(readRoundTrips(injected))).toEqual([]);
    const plain = joined(...blocks);
    expect(readRoundTrips(plain, { tlsOpener: fileOpener() })).toEqual(readRoundTrips(plain));
    expect(totalsOf(plain, { tlsOpener: fileOpener() }).summary).toEqual(totalsOf(plain).summary);
  });

  test("read, watch and log show what is inside", async () => {
    const told = (text: string) =>
      inside(
        text
          .split("\n")
          .filter(Boolean)
          .map((line) => JSON.parse(line)),
      );
    for (const words of [["read"], ["watch", "-r"]]) {
      const { stdout } = await tallywire([...words, path("injected"), "-o", "json"]);
      expect(told(stdout)).toEqual(expected);
    }
    await tallywire(["log", "-r", path("injected"), "-w", path("log.json")]);
    expect(told(readFileSync(path("log.json"), "utf8"))).toEqual(expected);
  });

  test("stat and overview count it, and a key log beside the file adds to it", async () => {
    const lines = LINES.split("\n").filter(Boolean);
    const isOld = (line: string) => line.startsWith("CLIENT_RANDOM");
    writeFileSync(path("some"), withBlocks(2, secretsBlock(lines.filter(isOld).join("\n"))));
    writeFileSync(
      path("others.keys"),
      lines
        .filter((line) => !isOld(line))
        .map((line) => `${line}\n`)
        .join(""),
    );
    const counted = async (...words: string[]) => {
      const { stdout } = await tallywire(["stat", "-r", path("some"), "--by", "marks", "-o", "json", ...words]);
      const { rows } = JSON.parse(stdout) as { rows: { by: { marks?: string }; requests: number }[] };
      return rows.filter(({ by }) => by.marks === "tls").reduce((sum, { requests }) => sum + requests, 0);
    };
    expect(await counted()).toBe(expected.length / 2);
    expect(await counted("--tls-keys", path("others.keys"))).toBe(expected.length);
    const { stdout } = await tallywire(["overview", "-r", path("injected"), "-o", "json"]);
    expect(stdout).toContain('"http2"');
  });
});
