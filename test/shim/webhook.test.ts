/** A hub on one's own machine posts events to the one address that it may reach. */
import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, it, test } from "vitest";
import { type LocalHub, startLocalHub } from "../../shim/hub/local-hub";
import { workerdConfig } from "../../shim/hub/workerd-config";
import { tallywire } from "../support/command";
import { sealMinute, withSequence } from "../support/edge-minute";
import { ROOT } from "../support/repository";

const folder = mkdtempSync(join(tmpdir(), "tallywire-webhook-"));
const workerFolder = join(ROOT, "build/hub");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A server that answers with these statuses in turn, the last for ever; and what it was sent. */
async function receiver(statuses: number[]) {
  const got: { headers: IncomingHttpHeaders; body: string; url: string; status: number }[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const status = statuses.length > 1 ? statuses.shift()! : statuses[0]!;
    got.push({ headers: request.headers, body, url: request.url ?? "", status });
    response.writeHead(status, { location: "/elsewhere" }).end("told");
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { got, url: `http://127.0.0.1:${port}/hook?from=tallywire`, close };
}

/** Posts a bundle a seal, from a host whose clock is a minute ahead, until there is enough. */
async function drift(hub: LocalHub, isEnough: () => boolean): Promise<void> {
  const minute = Math.floor(Date.now() / 60_000) * 60 - 60;
  const bundle = sealMinute({ minute, boot: 1n, exchanges: [{ client: "10.0.0.1", name: "a.example" }] });
  const authorization = `Bearer ${await hub.key({ kind: "write", tenant: "acme", edge: "web-1" })}`;
  for (let sequence = 0; sequence < 100 && !isEnough(); sequence += 1) {
    const headers = { authorization, "tallywire-clock": String(Date.now() / 1000 + 60), "tallywire-tags": "site=fra1" };
    const init = { method: "POST", body: withSequence(bundle, sequence), headers };
    expect((await fetch(`${hub.origin}/v1/ingest`, init)).status).toBe(200);
    await sleep(250);
  }
}

describe("a webhook", () => {
  it("has each event once it takes it, signed, from a workerd that may reach nothing else", async () => {
    const hook = await receiver([503, 302, 204]);
    const other = await receiver([204]);
    const dataFolder = join(folder, "hub");
    const variables = { SEAL_PERIOD_SECONDS: "1", WEBHOOK_URL: hook.url };
    const hub = await startLocalHub({ dataFolder, workerFolder, variables });
    try {
      await drift(hub, () => hook.got.some(({ status }) => status === 204));
      expect(hook.got.map(({ status }) => status)).toEqual([503, 302, 204]);
      expect(new Set(hook.got.map(({ body, url }) => `${url} ${body}`)).size).toBe(1);
      const { headers, body, url } = hook.got[2]!;
      expect(url).toBe("/hook?from=tallywire");
      expect(JSON.parse(body)).toEqual({
        service: "tallywire",
        tenant: "acme",
        object: "acme/root/1/0",
        events: [
          {
            ...{ id: 1, time: expect.stringMatching(/Z$/), event: "edge_drifting", state: "raised" },
            ...{ edge: "web-1", shard: null, site: "fra1", seconds: expect.closeTo(60, 0) },
          },
        ],
      });
      const secret = (await tallywire(["keys", "webhook", "acme", "--data", dataFolder])).stdout.trim();
      expect(headers["tallywire-signature"]).toBe(`sha256=${createHmac("sha256", secret).update(body).digest("hex")}`);
      expect(other.got).toEqual([]);
    } finally {
      await hub.stop();
      hook.close();
      other.close();
    }
  }, 60_000);

  it("that is away does not hold up a seal", async () => {
    const gone = await receiver([204]);
    gone.close();
    const variables = { SEAL_PERIOD_SECONDS: "1", WEBHOOK_URL: gone.url };
    const hub = await startLocalHub({ dataFolder: join(folder, "away"), workerFolder, variables });
    const authorization = `Bearer ${await hub.key({ kind: "read", tenant: "acme", edge: "" })}`;
    const events = async () => {
      const response = await fetch(`${hub.origin}/v1/events`, { headers: { authorization } });
      return ((await response.json()) as { data: object[] }).data.length;
    };
    let isRaised = false;
    let seals = 0;
    await drift(hub, () => {
      void events().then((count) => {
        isRaised ||= count > 0;
      });
      seals += isRaised ? 1 : 0;
      return seals > 12;
    });
    expect(isRaised).toBe(true);
    await hub.stop();
    expect(readFileSync(hub.logPath, "utf8")).toMatch(/webhook failed, tried again later/);
    expect(readFileSync(hub.logPath, "utf8")).not.toMatch(/seal failed/);
  }, 60_000);
});

describe("workerd's configuration", () => {
  const paths = { configFolder: "/d", workerFolder: "/w", objectsFolder: "/o", assetsFolder: null };
  const of = (url: string | null) => workerdConfig(paths, "127.0.0.1:0", [], url === null ? null : new URL(url));

  test("opens the one address that events go to, and nothing without", () => {
    expect(of(null)).not.toMatch(/external|WEBHOOK/);
    expect(of("http://127.0.0.1:99/x")).toContain('external = (address = "127.0.0.1:99", http = ())');
    expect(of("https://hooks.example.com/x")).toContain('address = "hooks.example.com:443", https = ');
    for (const url of [null, "https://hooks.example.com/x"]) expect(of(url)).toContain("network = (allow = [])");
  });

  test("for an address over TLS is one that workerd takes", async () => {
    const variables = { WEBHOOK_URL: "https://127.0.0.1:9/hook" };
    const hub = await startLocalHub({ dataFolder: join(folder, "tls"), workerFolder, variables });
    expect((await fetch(`${hub.origin}/v1/hello`)).status).toBe(200);
    await hub.stop();
  });
});

test.each(["http://example.com/", "example.com", "ftp://127.0.0.1/"])("tallywire hub --webhook %s is refused", async (url) => {
  const { code, stderr } = await tallywire(["hub", "--data", join(folder, "refused"), "--webhook", url]);
  expect([code, stderr]).toEqual([2, expect.stringContaining("is no address for events")]);
});
