/** What a hub must not be made to waste: connections by bodies that do not come, and its disk by what it refuses. */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type LocalHub, startLocalHub } from "../../shim/hub/local-hub";
import { sealMinute } from "../support/edge-minute";

const TENANT = "waste";
const FLOOD = 400;
const AT_A_TIME = 8;
/** Bytes of one refused body. */
const BODY_BYTES = 100_000;
/** What the whole flood may add: counts of refusals by edge and code, and SQLite's own log of changes. */
const GROWTH_BYTES_MAX = 1_000_000;

const folder = mkdtempSync(join(tmpdir(), "tallywire-waste-"));
const minute = Math.floor(Date.now() / 60_000) * 60 - 120;
const bundle = sealMinute({ minute, boot: 1n, exchanges: [{ client: "10.0.0.1", name: "a.example.com" }] });
let hub: LocalHub;
let writer = "";

beforeAll(async () => {
  const workerFolder = new URL("../../build/hub", import.meta.url).pathname;
  const paces = { EDGE_BUNDLES_PER_MINUTE: "1000000", EDGE_BYTES_PER_MINUTE: String(2 ** 40) };
  hub = await startLocalHub({
    dataFolder: folder,
    workerFolder,
    variables: { SEAL_PERIOD_SECONDS: "1", BODY_SECONDS: "1", ...paces },
  });
  writer = `Bearer ${await hub.key({ kind: "write", tenant: TENANT, edge: "edge" })}`;
});

afterAll(async () => {
  await hub.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function total(): Promise<unknown> {
  const authorization = `Bearer ${await hub.key({ kind: "read", tenant: TENANT, edge: "" })}`;
  const search = `metric=dns_requests_total&op=sum&from=${minute}&to=${minute + 60}`;
  return (await (await fetch(`${hub.origin}/v1/query?${search}`, { headers: { authorization } })).json()).data;
}

/** Sends the beginning of a request and then nothing; gives what the hub says. */
function stall(head: string): Promise<string> {
  return new Promise((settle, fail) => {
    const socket = connect(hub.port, "127.0.0.1", () => socket.write(head));
    let text = "";
    socket.on("data", (data) => {
      text += data.toString("latin1");
      if (text.includes("}")) socket.destroy();
    });
    socket.on("close", () => settle(text));
    socket.on("error", fail);
  });
}

it.each([
  ["of a length that is declared", `content-length: ${bundle.length}\r\n\r\nTALLY`],
  ["in chunks", "transfer-encoding: chunked\r\n\r\n5\r\nTALLY\r\n"],
])("a body %s that does not come is given up with 408, and nothing is stored", { timeout: 60_000 }, async (_, rest) => {
  const told = await stall(`POST /v1/ingest HTTP/1.1\r\nhost: hub\r\nauthorization: ${writer}\r\n${rest}`);
  expect(told).toMatch(/^HTTP\/1\.1 408 /);
  expect(told).toMatch(/"error":"slow_body","reason":"the body was not there within 1 s/);
  expect(await total()).toEqual([]);
});

function bytesIn(path: string): number {
  let bytes = 0;
  for (const entry of readdirSync(path, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name)).size;
  }
  return bytes;
}

it("a flood of posts that are refused takes next to nothing of the disk", { timeout: 120_000 }, async () => {
  const bad = new Uint8Array(BODY_BYTES).fill(7);
  const wrongKey = await hub.key({ kind: "write", tenant: "other", edge: "edge" });
  const posts: [string, Uint8Array<ArrayBuffer>, Record<string, string>][] = [
    ["not a bundle", bad, {}],
    ["damaged", bundle.map((byte, index) => (index === 60 ? byte ^ 1 : byte)), {}],
    ["another encoding", bad, { "content-encoding": "gzip" }],
    ["tags", bad, { "tallywire-tags": "site" }],
    ["a wrong key", bad, { authorization: `Bearer ${wrongKey.slice(0, -1)}x` }],
    ["no key", bad, { authorization: "" }],
    ["another clock", bad, { "tallywire-clock": "noon" }],
  ];
  const post = async (index: number) => {
    const [name, body, headers] = posts[index % posts.length]!;
    const given = { authorization: writer, ...headers };
    for (let attempt = 1; ; attempt += 1) {
      try {
        const response = await fetch(`${hub.origin}/v1/ingest`, { method: "POST", body, headers: given });
        expect(response.status, name).toBeGreaterThanOrEqual(400);
        await response.text();
        return;
      } catch (error) {
        // A connection on which the hub refused a body unread is closed, maybe as the next request is written to it.
        if (attempt === 5) throw error;
      }
    }
  };
  const flood = async () => {
    let next = 0;
    const poster = async () => {
      for (next += 1; next <= FLOOD; next += 1) await post(next);
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, poster));
  };
  const before = bytesIn(folder);
  await flood();
  const first = bytesIn(folder) - before;
  await flood();
  const second = bytesIn(folder) - before - first;
  console.log(`${2 * FLOOD} refused posts of ${BODY_BYTES} bytes: ${first} bytes of disk, then ${second}`);
  expect(first + second).toBeLessThan(GROWTH_BYTES_MAX);
  expect(await total()).toEqual([]);
});
