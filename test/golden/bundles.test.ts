/**
 * Bundles of every format that edges ever sent, as their spools held them: they are read, merged and stored for ever.
 *
 * Each folder of test/fixtures/bundles has those of one format, one for each capture of test/fixtures, put there with
 * `tallywire agent --theta --keep-duplicates --spool FOLDER --file CAPTURE` of the time. They are never made anew; a new format gets a folder.
 * What they hold is known from the captures' clients.
 */
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { deflateSync, inflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUNDLE_FORMAT, readBundleHeader } from "../../engine/bundle";
import { Core } from "../../engine/core";
import { MinuteSum } from "../../engine/summary";
import { type LocalHub, startLocalHub } from "../../shim/hub/local-hub";
import { FIXTURES, fixtureBytes } from "../support/fixtures";
import { ROOT } from "../support/repository";
import { coreModule } from "../support/round-trips";
import { sealCapture, withMinute } from "../support/seal-minute";

const FOLDER = join(ROOT, "test/fixtures/bundles");
/** SHA-256 over the files of a format's folder, in the order of their names. */
const DIGESTS: Record<string, string> = {
  "format-1": "a285d48f45ab99d9c6235828b4f2074f8a08d7fc3b138e5676b370e0f397a295",
};

/** Requests of each capture's client, by its own record; of some, those that it shows within TLS or beside others. */
const REQUESTS: Record<string, Record<string, number>> = {
  dns_dnsperf_udp: { dns: 1260 },
  dns_dot: { tls: 6 },
  dns_kdig_udp: { dns: 83 },
  dns_unbound_recursive: { dns: 53 + 26 },
  grpc_node: { grpc: 76 + 3 + 1 + 1 + 1 },
  h2_tls: { tls: 4 },
  h2c_upgrade_refused: { http: 4, http2: 5 + 1 },
  http1_ab_keepalive: { http: 300 },
  http1_curl: { http: 13 + 1 + 1 },
  http1_nano: { http: 2 },
  http1_raw: { http: 21 },
  http1_sll2: { http: 2 },
  http1_snaplen96: { http: 50 },
  kafka_kafkajs: { kafka: 90 },
  mongo_node: { mongodb: 79 + 2 },
  mysql_cli: { mysql: 14 },
  mysql_node: { mysql: 100 + 2 },
  pg_pgbench_extended: { postgresql: 560 + 2 + 2 * (2 + 1) },
  pg_pgbench_simple: { postgresql: 560 + 2 + 2 * (2 + 1) },
  redis_ioredis_resp2: { redis: 354 + 6 },
};

interface Golden {
  capture: string;
  bundle: Uint8Array;
}

const filesOf = (format: string) => readdirSync(join(FOLDER, format)).sort();
const goldenOf = (format: string): Golden[] =>
  filesOf(format).map((file) => ({
    capture: basename(file, ".twb"),
    bundle: inflateSync(readFileSync(join(FOLDER, format, file))),
  }));

/** Requests by protocol, as bundles that are added up tell. */
function requestsOf(bundles: readonly Uint8Array[]): Record<string, number> {
  const sum = new MinuteSum(new Core(coreModule(), {}));
  for (const bundle of bundles) sum.add(bundle);
  const requests: Record<string, number> = {};
  for (const { metric, value = 0 } of sum.summary().metrics) {
    const protocol = /^(.*)_requests_total$/.exec(metric)?.[1];
    if (protocol !== undefined) requests[protocol] = (requests[protocol] ?? 0) + value;
  }
  return requests;
}

function added(all: readonly Record<string, number>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const one of all) for (const [name, value] of Object.entries(one)) sum[name] = (sum[name] ?? 0) + value;
  return sum;
}

test("there is a folder for each format up to today's", () => {
  const formats = Array.from({ length: BUNDLE_FORMAT }, (_, index) => `format-${index + 1}`);
  expect(readdirSync(FOLDER).sort()).toEqual(formats);
  expect(Object.keys(DIGESTS)).toEqual(formats);
});

describe.each(Object.entries(DIGESTS))("bundles of %s", (format, digest) => {
  const golden = goldenOf(format);

  test("are those that were put there", () => {
    const hash = createHash("sha256");
    for (const file of filesOf(format)) hash.update(readFileSync(join(FOLDER, format, file)));
    expect(hash.digest("hex")).toBe(digest);
    expect(golden.map(({ capture }) => `${capture}.pcap`)).toEqual(
      FIXTURES.filter((name) => name.replace(".pcap", "") in REQUESTS),
    );
  });

  test.each(golden)("$capture: is taken, and holds what its client counted", ({ capture, bundle }) => {
    const core = new Core(coreModule(), { role: "hub" });
    expect(core.validate(bundle)).toBe(0);
    expect(requestsOf([bundle])).toEqual(REQUESTS[capture]);
  });

  test("merge with each other and with today's", () => {
    const now = golden.map(({ capture }) =>
      sealCapture(coreModule(), fixtureBytes(`${capture}.pcap`), { theta: true, keepDuplicates: true }),
    );
    const all = [...golden.map(({ bundle }) => bundle), ...now];
    const merged = new Core(coreModule(), { role: "hub", budgetBytes: 15 << 20 }).merge(all);
    expect(readBundleHeader(merged).bundles).toBe(all.length);
    const counted = added(golden.map(({ capture }) => REQUESTS[capture]!));
    expect(requestsOf([merged])).toEqual(added([counted, counted]));
  });
});

describe("a hub", () => {
  const folder = mkdtempSync(join(tmpdir(), "tallywire-golden-"));
  const minute = Math.floor(Date.now() / 60_000) * 60 - 120;
  let hub: LocalHub;

  beforeAll(async () => {
    hub = await startLocalHub({ dataFolder: folder, workerFolder: join(ROOT, "build/hub") });
  });

  afterAll(async () => {
    await hub.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(Object.keys(DIGESTS))("takes and answers what edges of %s post", async (format) => {
    const golden = goldenOf(format);
    for (const { capture, bundle } of golden) {
      const key = await hub.key({ kind: "write", tenant: format, edge: capture.replaceAll("_", "-") });
      const headers = { authorization: `Bearer ${key}`, "content-encoding": "deflate" };
      const body = deflateSync(withMinute(bundle, minute));
      const response = await fetch(`${hub.origin}/v1/ingest`, { method: "POST", headers, body });
      expect([capture, response.status, await response.text()]).toMatchObject([capture, 200, expect.any(String)]);
    }
    const authorization = `Bearer ${await hub.key({ kind: "read", tenant: format, edge: "" })}`;
    const counted = added(golden.map(({ capture }) => REQUESTS[capture]!));
    for (const [protocol, requests] of Object.entries(counted)) {
      const search = `metric=${protocol}_requests_total&op=sum&from=${minute}&to=${minute + 60}`;
      const response = await fetch(`${hub.origin}/v1/query?${search}`, { headers: { authorization } });
      const { data } = (await response.json()) as { data: { value: number }[] };
      expect([protocol, data[0]?.value]).toEqual([protocol, requests]);
    }
  });
});
