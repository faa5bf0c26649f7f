/** `tallywire read` as a user meets it: forms of output, inputs of every kind, and what it says when something is wrong. */
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import type { Row } from "../../engine/rows";
import { COMMAND, runOf, startCommand, tallywire, untilSays } from "../support/command";
import { FIXTURES, fixtureBytes } from "../support/fixtures";
import { http, request, response } from "../support/http";
import { countCapture } from "../support/oracle/count";
import * as make from "../support/pcap-builder";
import { ROOT } from "../support/repository";

interface Summary {
  packets: number;
  bytes: number;
  start?: string;
  end?: string;
  malformed: Record<string, number>;
  undecoded: Record<string, number>;
  metrics: Row[];
}

const KDIG = "test/fixtures/dns_kdig_udp.pcap";
const folder = mkdtempSync(join(tmpdir(), "tallywire-read-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const tripsOf = (stdout: string) =>
  stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as RoundTrip);

async function summaryOf(words: string[], input?: Uint8Array): Promise<Summary> {
  const { stdout } = await tallywire(["read", ...words, "--summary", "-o", "json"], { input });
  return JSON.parse(stdout);
}

const timeOf = (ns: bigint) =>
  `${new Date(Number(ns / 1_000_000_000n) * 1000).toISOString().slice(0, -5)}.${String(ns % 1_000_000_000n).padStart(9, "0")}Z`;

/** Four requests of HTTP/1 that a server answers with frames of HTTP/2. */
const MALFORMED: Record<string, Record<string, number>> = { "h2c_upgrade_refused.pcap": { start_line: 4 } };

describe("-o json", () => {
  test("gives one object a round trip", async () => {
    const { code, stdout, stderr } = await tallywire(["read", KDIG, "-o", "json"]);
    const trips = tripsOf(stdout);
    expect(code).toBe(0);
    expect(trips).toHaveLength(83);
    expect(stderr).toBe("166 packets seen, 83 round trips, malformed: none, undecoded: none\n");
    expect(trips[0]).toEqual({
      time: "2026-11-20T10:49:57.464246000Z",
      protocol: "dns",
      status: "ok",
      durationNs: 109_000,
      client: { address: "127.0.0.1", port: 53911 },
      server: { address: "127.0.0.1", port: 5300 },
      direction: "unknown",
      interface: 0,
      request: expect.objectContaining({
        bytes: 29,
        id: 63345,
        name: "h1.lab.test",
        type: "A",
        class: "IN",
        flags: ["rd", "ad"],
      }),
      response: expect.objectContaining({
        bytes: 45,
        rcode: 0,
        rcodeName: "NOERROR",
        answers: 1,
        authorities: 0,
        additionals: 0,
        records: [expect.objectContaining({ section: "answer", name: "h1.lab.test", type: "A", ttl: 300, data: "192.0.2.1" })],
      }),
      timing: { requestNs: 0, serverNs: 109_000, responseNs: 0 },
      marks: [],
    });
  });

  test("leaves the request of an orphan response out", async () => {
    const orphan = make.udp(make.dnsResponse("a.example", { id: 3 }), { sourcePort: 53, destinationPort: 9000 });
    const path = file("orphan.pcap", make.pcap(make.spaced([make.ethernet(make.ipv4(orphan))])));
    const [trip] = tripsOf((await tallywire(["read", path, "-o", "json"])).stdout);
    expect(trip).not.toHaveProperty("request");
    expect(trip).not.toHaveProperty("durationNs");
    expect(trip?.response?.rcode).toBe(0);
  });

  test("tells in from out by the host's networks", async () => {
    const query = make.udp(make.dnsQuery("a.example", { id: 1 }), { sourcePort: 4000, destinationPort: 53 });
    const frame = make.ethernet(make.ipv4(query, { source: "192.0.2.1", destination: "198.51.100.1" }));
    const path = file("direction.pcap", make.pcap(make.spaced([frame])));
    const directionFor = async (...networks: string[]) => {
      const words = networks.flatMap((network) => ["--host-network", network]);
      return tripsOf((await tallywire(["read", path, "-o", "json", ...words])).stdout)[0]?.direction;
    };
    expect(await directionFor()).toBe("unknown");
    expect(await directionFor("192.0.2.0/24")).toBe("out");
    expect(await directionFor("10.0.0.0/8", "198.51.100.1")).toBe("in");
  });
});

test("-o json says what moves a cursor or turns a line around by its number, and it is the same text", async () => {
  const moves = "a\u009b2J\u007f\u202e\u2066\u200f\u0085";
  const talk = http()
    .send("client", new TextEncoder().encode(request(`GET /${moves} HTTP/1.1`)))
    .send("server", response("200 OK"));
  const path = file("moves.pcap", make.pcap(talk.close().packets));
  for (const words of [[], ["--summary"]]) {
    const { stdout } = await tallywire(["read", path, "-o", "json", ...words]);
    expect(stdout).toContain("\\u009b2J\\u007f\\u202e");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/);
    expect(JSON.stringify(JSON.parse(stdout))).toContain(moves);
  }
});

describe("-o line and wide", () => {
  test("give one line a round trip, without colours where nobody sees them", async () => {
    const { stdout } = await tallywire(["read", KDIG]);
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(83);
    expect(lines[0]).toMatch(
      /^10:49:57\.464246 dns +ok +109 us 127\.0\.0\.1:53911 +> 127\.0\.0\.1:5300 +A h1\.lab\.test -> NOERROR 192\.0\.2\.1$/,
    );
    expect(stdout).not.toContain("\u001b");
  });

  test("a dash stands where the capture has no time", async () => {
    const ng = new make.Pcapng();
    const query = make.udp(make.dnsQuery("a.example", { id: 1 }), { sourcePort: 4000, destinationPort: 53 });
    const bytes = make.join(ng.section(), ng.interface(), ng.simplePacket(make.ethernet(make.ipv4(query))));
    const path = file("simple.pcapng", bytes);
    for (const [form, width] of [
      ["line", 15],
      ["wide", 30],
    ] as const) {
      const { stdout } = await tallywire(["read", path, "-o", form]);
      expect(stdout.startsWith(`${"-".padEnd(width)} dns `)).toBe(true);
    }
    expect((await tallywire(["read", path, "--summary"])).stdout).toMatch(/^1 packet, \d+ B\nmalformed: none\n/);
  });

  test("wide has the whole time and all fields", async () => {
    const { stdout } = await tallywire(["read", KDIG, "-o", "wide"]);
    expect(stdout.split("\n")[0]).toMatch(
      /^2026-11-20T10:49:57\.464246000Z dns .*server 109 us.*id=63345.*ttl|300.*192\.0\.2\.1/,
    );
  });

  test("a target that names the host itself stands alone", async () => {
    const talk = new make.Conversation({ serverPort: 3128 }).open();
    talk.send("client", "CONNECT db.example:443 HTTP/1.1\r\nHost: db.example:443\r\n\r\n");
    talk.send("server", "HTTP/1.1 200 Connection established\r\n\r\n");
    const { stdout } = await tallywire(["read", file("connect.pcap", make.pcap(talk.packets))]);
    expect(stdout).toContain("  CONNECT db.example:443 -> 200 ");
  });

  test("what comes from the wire cannot move the cursor", async () => {
    const query = make.udp(make.dnsQuery("a\u001b[2Jb.example", { id: 1 }), { sourcePort: 4000, destinationPort: 53 });
    const bytes = make.pcap(make.spaced([make.ethernet(make.ipv4(query))]));
    const { stdout } = await tallywire(["read", file("escape.pcap", bytes), "-o", "wide"]);
    expect(stdout).not.toContain("\u001b");
  });
});

describe("-Y and -c", () => {
  test("-Y gives what the filter wants, and counts the others", async () => {
    const all = tripsOf((await tallywire(["read", KDIG, "-o", "json"])).stdout);
    const { code, stdout, stderr } = await tallywire([
      "read",
      KDIG,
      "-o",
      "json",
      "-Y",
      "dns.type == AAAA and durationNs > 100us",
    ]);
    const wanted = all.filter(({ request, durationNs = 0 }) => request?.type === "AAAA" && durationNs > 100_000);
    expect(wanted.length).toBeGreaterThan(0);
    expect(code).toBe(0);
    expect(tripsOf(stdout)).toEqual(wanted);
    expect(stderr).toContain("166 packets seen");
    expect(stderr).toContain(`, ${wanted.length} round trips, ${83 - wanted.length} filtered, malformed: none`);
  });

  test("-c ends after so many, over all files", async () => {
    const { code, stdout } = await tallywire(["read", KDIG, KDIG, "-c", "100"]);
    expect([code, stdout.trimEnd().split("\n").length]).toEqual([0, 100]);
    const filtered = await tallywire(["read", KDIG, KDIG, "-c", "2", "-Y", "dns.type == AAAA"]);
    expect(filtered.stdout.match(/ AAAA /g)).toHaveLength(2);
    expect(filtered.stderr).toContain(", 2 round trips, ");
  });

  test("what comes after it is not malformed", async () => {
    const [question, answer] = [make.dnsQuery("a.test", { id: 1 }), make.dnsResponse("a.test", { id: 1 })];
    const back = { source: "198.51.100.1", destination: "192.0.2.1" };
    const forth = { source: "192.0.2.1", destination: "198.51.100.1" };
    const packets = [
      make.ethernet(make.ipv4(make.udp(question, { sourcePort: 4000, destinationPort: 53 }), forth)),
      make.ethernet(make.ipv4(make.udp(answer, { sourcePort: 53, destinationPort: 4000 }), back)),
    ];
    const large = make.pcap(make.spaced(Array.from({ length: 20_000 }, () => packets).flat()));
    for (const input of [large, gzipSync(large)]) {
      const { code, stderr } = await tallywire(["read", "-", "-c", "3"], { input });
      expect([code, stderr]).toEqual([0, expect.stringMatching(/, 3 round trips, malformed: none/)]);
    }
  });

  test("a filter that is wrong is shown with its place", async () => {
    const { code, stdout, stderr } = await tallywire(["read", KDIG, "-Y", "dns and stats == error"]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toBe(
      "tallywire: -Y, column 9: there is no field stats; did you mean status?\n  dns and stats == error\n          ^\n",
    );
  });
});

describe("--summary", () => {
  test.each(FIXTURES)("counts every packet of %s", async (name) => {
    const summary = await summaryOf([`test/fixtures/${name}`]);
    const count = countCapture(fixtureBytes(name));
    expect([summary.packets, summary.bytes]).toEqual([count.packets, count.bytes]);
    expect([summary.start, summary.end]).toEqual([timeOf(count.startNs), timeOf(count.endNs)]);
    expect(summary.malformed).toEqual(MALFORMED[name] ?? {});
  });

  test("has the metrics of the merged minutes", async () => {
    const { metrics } = await summaryOf([KDIG]);
    const sum = (metric: string) =>
      metrics.filter((row) => row.metric === metric).reduce((total, row) => total + (row.value ?? 0), 0);
    expect(sum("dns_transactions_total")).toBe(83);
    const rcodes = metrics
      .filter((row) => row.metric === "dns_responses_total")
      .map(({ labels, value }) => [labels.rcode, value]);
    expect(Object.fromEntries(rcodes)).toEqual({ noerror: 77, nxdomain: 5, refused: 1 });
    const duration = metrics.find((row) => row.metric === "dns_duration_seconds");
    expect(duration).toMatchObject({ count: 83, quantiles: { "0.5": expect.any(Number), "0.99": expect.any(Number) } });
  });

  test("has a span as exact as the times it is between", async () => {
    const query = make.ethernet(make.ipv4(make.udp(make.dnsQuery("a.example"), { sourcePort: 4000, destinationPort: 53 })));
    const { stdout } = await tallywire([
      "read",
      file("span.pcap", make.pcap(make.spaced([query, query], 1_500_000n))),
      "--summary",
    ]);
    expect(stdout).toMatch(/^2 packets, \d+ B, 1\.5 ms from /);
  });

  test("reads well without -o json", async () => {
    const { code, stdout } = await tallywire(["read", KDIG, "--summary"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^166 packets, 14\.6 kB, 45\d ms from 2026-11-20T10:49:57\.464246000Z/);
    expect(stdout).toMatch(/\ndns\n {2}dns_messages_total +166\n/);
    expect(stdout).toMatch(/dns_duration_seconds +p50 .* p99 .* max .* of 83\n/);
    expect(stdout).not.toContain("\u001b");
  });
});

describe("inputs", () => {
  const bytes = fixtureBytes("dns_kdig_udp.pcap");

  test("gzip is known by its content", async () => {
    expect((await summaryOf([file("a.bin", gzipSync(bytes))])).packets).toBe(166);
  });

  test.each([
    ["plain", bytes],
    ["gzip", gzipSync(bytes)],
  ])("standard input, %s", async (_, input) => {
    expect((await summaryOf(["-"], input)).packets).toBe(166);
  });

  test.skipIf(process.platform === "win32").each([
    ["plain", bytes],
    ["gzip", gzipSync(bytes)],
  ])("a named pipe, %s", async (form, input) => {
    const path = join(folder, `pipe-${form}`);
    execFileSync("mkfifo", [path]);
    const [summary] = await Promise.all([summaryOf([path]), writeFile(path, input)]);
    expect(summary.packets).toBe(166);
  });

  test("several files add up, whatever their order", async () => {
    const [one, other] = ["test/fixtures/http1_nano.pcap", KDIG];
    const count = countCapture(fixtureBytes("http1_nano.pcap"));
    for (const files of [
      [one, other],
      [other, one],
    ]) {
      const summary = await summaryOf(files);
      expect([summary.packets, summary.bytes]).toEqual([166 + count.packets, 14_559 + count.bytes]);
    }
  });

  test("a file that ends inside a record is read so far, and that is said", async () => {
    const { code, stdout, stderr } = await tallywire([
      "read",
      file("cut.pcap", bytes.subarray(0, 10_000)),
      "--summary",
      "-o",
      "json",
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ packets: 101, malformed: { record_cut: 1 } });
    expect(stderr).toContain("ends inside a record; what came before was read");
  });

  test.each([
    ["pcap", new Uint8Array(16).fill(0xff)],
    ["pcap, gzipped", new Uint8Array(16).fill(0xff)],
  ])("a file that goes on with no record is read so far, and fails: %s", async (form, tail) => {
    const whole = Buffer.concat([bytes, tail]);
    const path = file("damaged", form === "pcap" ? whole : gzipSync(whole));
    const { code, stdout, stderr } = await tallywire(["read", path, "--summary", "-o", "json"]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ packets: 166, malformed: { file_broken: 1 } });
    expect(stderr).toContain("damaged is damaged: no record begins where one should; what came before was read");
  });

  test("a gzip stream that ends early or breaks is read so far, and fails", async () => {
    const packed = gzipSync(bytes);
    const cut = await tallywire(["read", file("cut.gz", packed.subarray(0, packed.length - 100)), "--summary", "-o", "json"]);
    expect([cut.code, cut.stderr]).toEqual([1, expect.stringContaining("its gzip stream is broken")]);
    expect(JSON.parse(cut.stdout).packets).toBeGreaterThan(100);
    const large = gzipSync(fixtureBytes("dns_dnsperf_udp.pcap"));
    const broken = Uint8Array.from(large).fill(0xff, large.length - 2000, large.length - 1000);
    const run = await tallywire(["read", file("broken.gz", broken), "--summary", "-o", "json"]);
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining("its gzip stream is broken")]);
    expect(JSON.parse(run.stdout).packets).toBeGreaterThan(1000);
  });

  test.each([
    ["a text", Buffer.from("and something else\n")],
    ["the first byte of gzip's magic and another", Buffer.from([0x1f, 7])],
    ["a lot", Buffer.alloc(200_000, 7)],
  ])("behind a gzip stream %s costs nothing of it, and is said once", async (_, junk) => {
    const middle = bytes.length >> 1;
    const members = [bytes.subarray(0, middle), bytes.subarray(middle)].map((part) => gzipSync(part));
    const whole = Buffer.concat([...members, junk]);
    const words = ["--summary", "-o", "json"];
    for (const run of [
      await tallywire(["read", file("junk.gz", whole), ...words]),
      await tallywire(["read", "-", ...words], { input: whole }),
    ]) {
      expect([run.code, JSON.parse(run.stdout).packets]).toEqual([0, 166]);
      expect(run.stderr.match(/goes on behind its gzip stream with what is no gzip; that was left out/g)).toHaveLength(1);
    }
    // gzip's own words for it, where it is at hand: it inflates all and warns.
    const { status, stdout } = spawnSync("gzip", ["-dc"], { input: whole, maxBuffer: 1 << 26 });
    if (status !== null) expect([status, stdout.equals(Buffer.from(bytes))]).toEqual([2, true]);
  });

  test("a gzip stream of many members, headers with names, and padding is read whole", async () => {
    const length = 100;
    const parts = Array.from({ length: Math.ceil(bytes.length / length) }, (_, index) =>
      bytes.subarray(index * length, (index + 1) * length),
    );
    const members = parts.map((part, index) => {
      const packed = gzipSync(part);
      if (index % 2 === 0) return packed;
      packed[3] = 8;
      return Buffer.concat([packed.subarray(0, 10), Buffer.from(`part ${index}\0`), packed.subarray(10)]);
    });
    const { code, stdout, stderr } = await tallywire(["read", "-", "--summary", "-o", "json"], {
      input: Buffer.concat([...members, Buffer.alloc(30_000)]),
    });
    expect([code, JSON.parse(stdout).packets, stderr]).toEqual([0, 166, "166 packets seen, malformed: none, undecoded: none\n"]);
  });

  test("packets of interfaces beyond the limit are counted by a name of their own, and that is said", async () => {
    const ng = new make.Pcapng();
    const frame = make.ethernet(make.ipv4(make.udp("x")));
    const at = (id: number) => ng.packet({ timeNs: make.START_NS, bytes: frame }, { id });
    const many = Array.from({ length: 300 }, () => ng.interface());
    const path = file("many.pcapng", make.join(ng.section(), ...many, at(255), at(256), at(299)));
    const { code, stdout, stderr } = await tallywire(["read", path, "--summary", "-o", "json"]);
    expect([code, JSON.parse(stdout)]).toEqual([
      0,
      expect.objectContaining({ packets: 3, malformed: {}, undecoded: { interface_limit: 2 } }),
    ]);
    expect(stderr).toContain(
      "2 packets are of interfaces beyond the first 256 of a section; their bytes are counted and not read",
    );
  });

  test("what is no capture is named and counted, and the others are read", async () => {
    const garbage = file("garbage", new Uint8Array(5000).fill(7));
    const { code, stdout, stderr } = await tallywire(["read", garbage, KDIG, "--summary", "-o", "json"]);
    expect(code).toBe(1);
    expect(stderr).toContain("garbage is no capture; tallywire reads pcap and pcapng, plain or gzipped");
    expect(JSON.parse(stdout)).toMatchObject({ packets: 166, malformed: { file_format: 1 } });
  });

  test.each([
    ["a missing file", ["read", "nowhere.pcap"], 1, "cannot read nowhere.pcap: there is no such file"],
    ["a folder", ["read", "test/fixtures"], 1, "it is a folder; name the captures in it, as in test/fixtures/*.pcap"],
    ["no file", ["read"], 2, "no file is given; name captures, or - for standard input"],
    ["an option nearly right", ["read", "--sumary", KDIG], 2, "(did you mean --summary?)"],
    ["a form that is none", ["read", "-o", "xml", KDIG], 2, "Allowed choices are line, wide, json"],
    ["a filter beside a sum", ["read", "--summary", "-Y", "dns", KDIG], 2, "-Y and -c pick round trips"],
    ["a count that is none", ["read", "-c", "0", KDIG], 2, "Give a whole number from 1"],
    ["a network that is none", ["read", "--host-network", "10.0.0.0/99", KDIG], 2, '"10.0.0.0/99" is no network'],
  ])("%s", async (_, words, code, line) => {
    const run = await tallywire(words);
    expect([run.code, run.stdout]).toEqual([code, ""]);
    expect(run.stderr).toContain(line);
    expect(run.stderr).not.toContain("    at ");
  });

  test("a file that is not there is not counted as malformed", async () => {
    const { code, stdout } = await tallywire(["read", "nowhere.pcap", "--summary", "-o", "json"]);
    expect([code, JSON.parse(stdout).malformed]).toEqual([1, {}]);
  });

  test("an empty file is no capture, an empty capture is one", async () => {
    expect((await tallywire(["read", file("empty", new Uint8Array(0))])).code).toBe(1);
    const { code, stdout } = await tallywire(["read", file("head.pcap", bytes.subarray(0, 24)), "--summary", "-o", "json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ packets: 0, bytes: 0, malformed: {}, undecoded: {} });
  });
});

test.skipIf(!existsSync("/dev/full")).each([["read", KDIG], ["read", KDIG, "--summary"], ["schema"]])(
  "a full disk is said in one line: %s %s %s",
  (...words) => {
    const full = openSync("/dev/full", "w");
    const { status, stderr } = spawnSync(process.execPath, [COMMAND, ...words], { cwd: ROOT, stdio: ["ignore", full, "pipe"] });
    closeSync(full);
    expect([status, stderr.toString()]).toEqual([1, "tallywire: cannot write the output: the disk is full\n"]);
  },
);

test("who asks for its end gets what was read until then, of standard input too", async () => {
  const child = startCommand(["read", "-", "-o", "json"]);
  const ended = runOf(child);
  child.stdin.write(fixtureBytes("dns_kdig_udp.pcap"));
  await untilSays(child, /"dns"/);
  child.kill("SIGINT");
  const { code, stdout, stderr } = await ended;
  expect([code, tripsOf(stdout).length]).toEqual([0, 83]);
  expect(stderr).toContain("166 packets seen, 83 round trips, malformed: none");
});

test("a reader that goes away ends it quietly", async () => {
  const child = startCommand(["read", ...Array<string>(200).fill(KDIG), "-o", "json"]);
  let stderr = "";
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  await new Promise((done) => child.stdout.once("data", done));
  child.stdout.destroy();
  const code = await new Promise((done) => child.once("close", done));
  expect([code, stderr]).toEqual([0, ""]);
});
