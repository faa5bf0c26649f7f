/** `tallywire overview` as a user meets it: on captures, and on loopback with real DNS and HTTP where this host and user can. */
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { captureDevices } from "../../shim/capture/live";
import { overviewText } from "../../shim/output/overview-table";
import type { OverviewAnswer, OverviewRow } from "../../shim/overview/overview";
import { runOf, startCommand, tallywire } from "../support/command";
import { fixtureBytes, fixturePath } from "../support/fixtures";
import { dnsMessage, FLAG } from "../support/pcap-builder";
import { HAS_TSHARK, tsharkFields } from "../support/tshark";

const UNBOUND = "dns_unbound_recursive.pcap";

const { devices } = await captureDevices().catch(() => ({ devices: [] as string[] }));
const loopback = devices.find((name) => /^lo\d*$/.test(name));
if (loopback === undefined)
  console.warn("overview is not tested live: nothing that captures was built, or this user may not capture");

const answersOf = (stdout: string) =>
  stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as OverviewAnswer);

/** Waits until something is true, as long as a slow machine may take. */
async function until(isSo: () => boolean): Promise<void> {
  for (let left = 1000; left > 0 && !isSo(); left--) await sleep(20);
}

describe("-r", () => {
  test.skipIf(!HAS_TSHARK)("counts the queries and failures of each server as tshark does", async () => {
    const dissect = ["-d", "udp.port==5300,dns", "-Y", "dns.flags.response == 1"];
    const responses = tsharkFields(fixtureBytes(UNBOUND), ["udp.srcport", "dns.flags.rcode"], dissect);
    const { code, stdout } = await tallywire(["overview", "-r", fixturePath(UNBOUND), "-o", "json"]);
    expect(code).toBe(0);
    const [{ others, requests }] = answersOf(stdout) as [OverviewAnswer];
    expect(requests).toBe(responses.length);
    for (const row of others) {
      const mine = responses.filter(([port]) => Number(port) === row.port);
      expect([row.requests, row.errors]).toEqual([mine.length, mine.filter(([, rcode]) => rcode !== "0").length]);
    }
    expect(others).toHaveLength(new Set(responses.map(([port]) => port)).size);
  });

  test("a table for people, which side is which by the networks of the host", async () => {
    const { stdout, stderr } = await tallywire(["overview", "--host-network", "127.0.0.1", "-r", fixturePath(UNBOUND)]);
    const [title, head, ...rows] = stdout.trimEnd().split("\n");
    expect(title).toBe("this host is depended on by");
    expect(head!.trim().split(/\s{2,}/)).toEqual(
      "service protocol clients requests rate errors p50 p99 bytes first seen last seen".split(/ (?!seen)/),
    );
    expect(rows.map((row) => row.split(/\s+/).slice(0, 4))).toEqual([
      ["127.0.0.1:53", "dns", "1", "53"],
      ["127.0.0.1:5300", "dns", "1", "26"],
    ]);
    expect(stderr).toContain("158 packets seen, 79 round trips, malformed: none");
  });

  test.each([
    ["no source", ["overview"], 2, "name an interface with -i or a capture with -r"],
    ["a figure that is none", ["overview", "-r", "a.pcap", "--sort", "age"], 2, "Allowed choices are requests"],
    ["a file that is none", ["overview", "-r", "nowhere.pcap"], 1, "cannot read nowhere.pcap: there is no such file"],
  ])("%s is one clear error", async (_, words, code, says) => {
    const run = await tallywire(words);
    expect([run.code, run.stderr.trimEnd().split("\n").length]).toEqual([code, 1]);
    expect(run.stderr).toContain(says);
  });
});

/** A DNS server on loopback that has one answer to each question. */
async function startDns(address: number[]): Promise<{ port: number; close(): void }> {
  const socket = createSocket("udp4");
  socket.on("message", (query, { port }) => {
    const name = questionName(query);
    const answers = [{ name: Uint8Array.of(0xc0, 0x0c), ttl: 60, data: address }];
    socket.send(
      dnsMessage({ id: query.readUInt16BE(0), flags: FLAG.response, questions: [{ name }], answers }),
      port,
      "127.0.0.1",
    );
  });
  await new Promise<void>((done) => socket.bind(0, "127.0.0.1", done));
  return { port: socket.address().port, close: () => socket.close() };
}

function questionName(query: Buffer): string {
  const labels: string[] = [];
  for (let at = 12; query[at] !== 0; at += 1 + query[at]!) labels.push(query.toString("latin1", at + 1, at + 1 + query[at]!));
  return labels.join(".");
}

describe.skipIf(loopback === undefined)("-i", () => {
  test("what clients counted, by the name that they asked for", { timeout: 120_000 }, async () => {
    const server = createServer((request, response) => {
      response.statusCode = request.url === "/missing" ? 404 : 200;
      response.end("page");
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo;
    const dns = await startDns([127, 0, 0, 1]);
    // Loopback has both sides of every request here: a network that is nobody's makes them those of others.
    const words = ["-i", loopback!, "--host-network", "192.0.2.1", "--every", "300ms", "-o", "json"];
    const child = startCommand(["overview", "http", "-Y", `server.port == ${port}`, ...words]);
    const ended = runOf(child);
    const said = { out: "", err: "" };
    child.stdout.on("data", (text) => {
      said.out += text;
    });
    child.stderr.on("data", (text) => {
      said.err += text;
    });
    const soFar = () => answersOf(said.out.slice(0, said.out.lastIndexOf("\n") + 1)).at(-1)?.requests ?? 0;
    await until(() => said.err.includes("watching"));
    const resolver = new Resolver();
    resolver.setServers([`127.0.0.1:${dns.port}`]);
    expect(await resolver.resolve4("Shop.example")).toEqual(["127.0.0.1"]);
    for (let page = 0; page < 30; page++) {
      const path = page % 3 === 0 ? "/missing" : "/page";
      await new Promise<void>((done) =>
        get({ port, host: "127.0.0.1", path, agent: false }, (response) => response.resume().on("end", done)),
      );
    }
    await until(() => soFar() === 30);
    child.kill("SIGINT");
    const { code, stdout } = await ended;
    server.close();
    dns.close();
    expect(code).toBe(0);
    const { requests, others } = answersOf(stdout).at(-1)!;
    expect(requests).toBe(30);
    expect(others).toMatchObject([
      { address: "127.0.0.1", port, protocol: "http", names: ["shop.example"], clients: 1, requests: 30, errors: 10 },
    ]);
  });
});

describe("a table", () => {
  const row = (form: Partial<OverviewRow>): OverviewRow => ({
    address: "192.0.2.1",
    port: 80,
    protocol: "http",
    requests: 1,
    errors: 0,
    bytes: 10,
    ...form,
  });
  const answer: OverviewAnswer = {
    seconds: 2,
    requests: 20,
    errors: 1,
    bytes: 100,
    dependsOn: [
      row({
        requests: 3,
        names: ["b.example", "a.example"],
        first: "2026-01-01T23:59:59.000Z",
        last: "2026-01-02T00:00:01.000Z",
      }),
      row({ requests: 5, upper: 6, address: "2001:db8::1", perSecond: 2.5 }),
      row({ requests: 1 }),
    ],
    dependedOnBy: [row({ clients: 65_536, hasMoreClients: true })],
    others: [],
    rest: { requests: 7, errors: 0, bytes: 0 },
  };
  const form = { sort: "requests", numbers: false, rows: 20 } as const;

  test("shows names, bounds, dates where there are several, and what is left over", () => {
    const lines = overviewText(answer, form).split("\n");
    expect(lines[2]).toMatch(/^\[2001:db8::1\]:80 +http +5\.\.6 +2\.5\/s /);
    expect(lines[3]).toMatch(/^b\.example:80 \(\+1\) .* 01-01 23:59:59 +01-02 00:00:01$/);
    expect(lines).toContain("this host is depended on by");
    expect(lines.find((line) => line.includes("65,536+"))).toBeDefined();
    expect(lines.at(-2)).toBe("(7 more of services that are not kept)");
  });

  test("keeps numbers where they are asked for, and says what it does not show", () => {
    const text = overviewText(answer, { ...form, numbers: true, rows: 3 });
    expect(text).not.toContain("example");
    expect(text).toContain("(2 more)");
  });
});
