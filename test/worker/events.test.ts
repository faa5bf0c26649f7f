/** Edges and shards in trouble: told once, after two looks, over after a while; and to a webhook, whatever it does. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { webhookSecret } from "../../engine/keys";
import { importSigner, signText } from "../../engine/signature";
import type { Environment } from "../../worker/environment";
import { EVENTS_KEPT_MAX, WATCHED_MAX } from "../../worker/limits";
import type { EdgeState, EdgeStates } from "../../worker/object/edge-states";
import { EventLog, type HubEvent } from "../../worker/object/event-log";
import type { Registry } from "../../worker/object/registry";
import { Watch } from "../../worker/object/watch";
import { Webhook } from "../../worker/object/webhook";
import { webhookOf } from "../../worker/webhook";
import { sealMinute, withSequence } from "../support/edge-minute";
import { bearer, call, get, hubOf, MINUTE, post, readKey } from "./support/client";

const MINUTE_MS = 60_000;
const START_MS = 1_800_000_000_000;
const bundle = sealMinute({ minute: MINUTE, boot: 1n, exchanges: [{ client: "10.0.0.1", name: "a.example" }] });

/** A watch over edges that a test sets, on an object's tables. */
interface Post {
  edge(name: string, state: Partial<EdgeState>): void;
  /** Looks, and gives what was told. */
  look(nowMs: number): string[];
  /** As after a restart. */
  restart(): void;
  takesEdges: boolean;
  sql: SqlStorage;
}

function watching<T>(tenant: string, run: (post: Post) => T): Promise<T> {
  return runInDurableObject(hubOf(tenant), (_, { storage }) => {
    const { sql } = storage;
    const names = new Map<number, string>();
    const states = new Map<number, EdgeState>();
    const registry = {
      edges: names,
      groups: new Map([[0, { tags: { site: "fra" } }]]),
      isShard: (id: number) => names.get(id)!.includes("/"),
    } as unknown as Registry;
    const edges = { states } as unknown as EdgeStates;
    const log = new EventLog(sql, true);
    let watch = new Watch(sql, log, registry, edges);
    let told = 0;
    const post: Post = {
      sql,
      takesEdges: true,
      edge(name, state) {
        const id = [...names].find(([, known]) => known === name)?.[0] ?? names.size;
        names.set(id, name);
        const before = states.get(id) ?? { group: 0, lastSeenMs: 0, lagMs: 0, skewMs: null };
        states.set(id, { ...before, ...state } as EdgeState);
      },
      look(nowMs) {
        watch.look(nowMs, 60, { takesEdges: post.takesEdges, ofShards: 2 });
        const events = log.list(0, Number.MAX_SAFE_INTEGER).filter(({ id }) => id > told);
        told = Math.max(told, ...events.map(({ id }) => id));
        return events.map(({ trouble, state, subject, seconds }) => `${state} ${trouble} ${subject} ${seconds}`);
      },
      restart() {
        watch = new Watch(sql, log, registry, edges);
      },
    };
    return run(post);
  });
}

describe("an edge", () => {
  it("that falls silent is told once, and is well after it has been for a while", async () => {
    await watching("silent", (post) => {
      let nowMs = START_MS;
      const next = (seen: boolean) => {
        nowMs += MINUTE_MS;
        if (seen) post.edge("a", { lastSeenMs: nowMs - 20_000 });
        // Whatever is in memory may go at any time.
        post.restart();
        return post.look(nowMs);
      };
      expect([next(true), next(true), next(false), next(false), next(false)].flat()).toEqual([]);
      expect(next(false)).toEqual(["raised edge_silent a 260"]);
      for (let minute = 0; minute < 30; minute += 1) expect(next(false)).toEqual([]);
      // It comes and goes: that is the same trouble.
      expect([next(true), next(true), next(false), next(false), next(false), next(false), next(true)].flat()).toEqual([]);
      expect([next(true), next(true)].flat()).toEqual([]);
      expect(next(true)).toEqual(["cleared edge_silent a 20"]);
      expect(next(true)).toEqual([]);
    });
  });

  it("is not silent because the hub was away", async () => {
    await watching("away", (post) => {
      post.edge("a", { lastSeenMs: START_MS });
      expect(post.look(START_MS + 60 * MINUTE_MS)).toEqual([]);
      post.restart();
      // Away again, before the second look.
      expect(post.look(START_MS + 120 * MINUTE_MS)).toEqual([]);
      post.edge("a", { lastSeenMs: START_MS + 120 * MINUTE_MS + 30_000 });
      expect(post.look(START_MS + 121 * MINUTE_MS)).toEqual([]);
      expect(post.look(START_MS + 122 * MINUTE_MS)).toEqual([]);
    });
  });

  it("that lags or drifts is told with how much, and keeps it while it is silent", async () => {
    await watching("lag", (post) => {
      let nowMs = START_MS;
      const next = (state: Partial<EdgeState> = {}) => {
        nowMs += MINUTE_MS;
        post.edge("a", { lastSeenMs: nowMs - 1_000, ...state });
        return post.look(nowMs);
      };
      expect(next({ lagMs: 301_000, skewMs: -5_001 })).toEqual([]);
      expect(next()).toEqual(["raised edge_lagging a 301", "raised edge_drifting a -5.001"]);
      // At the limit it is not over yet.
      for (let minute = 0; minute < 9; minute += 1) expect(next({ lagMs: 299_000, skewMs: 4_000 })).toEqual([]);
      expect(next({ lagMs: 149_000, skewMs: 2_000 })).toEqual([]);
      expect(next({ lastSeenMs: nowMs - 600_000 })).toEqual([]);
      expect([next(), next()].flat()).toEqual(["cleared edge_lagging a 149", "cleared edge_drifting a 2"]);
    });
  });

  it("that is gone for two days is forgotten, and so is one whose minutes go elsewhere now", async () => {
    await watching("gone", (post) => {
      post.edge("a", { lastSeenMs: START_MS });
      const at = (minutes: number) => post.look(START_MS + minutes * MINUTE_MS);
      expect([at(4), at(5)].flat()).toEqual(["raised edge_silent a 300"]);
      expect(at(47 * 60)).toEqual([]);
      expect(at(49 * 60)).toEqual(["forgotten edge_silent a null"]);
      expect(at(49 * 60 + 1)).toEqual([]);
      post.edge("b", { lastSeenMs: START_MS + 49 * 60 * MINUTE_MS });
      expect([at(49 * 60 + 4), at(49 * 60 + 5)].flat()).toEqual(["raised edge_silent b 300"]);
      post.takesEdges = false;
      expect(at(49 * 60 + 6)).toEqual(["forgotten edge_silent b null"]);
    });
  });

  it("is one of a bounded number, as are events", async () => {
    await watching("many", (post) => {
      for (let edge = 0; edge < WATCHED_MAX + 100; edge += 1) post.edge(`e${edge}`, { lastSeenMs: START_MS });
      post.look(START_MS + 4 * MINUTE_MS);
      expect(post.look(START_MS + 5 * MINUTE_MS)).toHaveLength(WATCHED_MAX);
      const log = new EventLog(post.sql, false);
      const event: HubEvent = { trouble: "edge_silent", state: "raised", subject: "a", tags: {}, seconds: 1 };
      for (let index = 0; index < EVENTS_KEPT_MAX + 50; index += 1) log.add(event, START_MS);
      expect(log.list(0, START_MS * 2)).toHaveLength(EVENTS_KEPT_MAX);
    });
  });
});

it("a shard that is silent is told by the root, one of an older map is not", async () => {
  await watching("shards", (post) => {
    post.edge("shards/shard/2/fra", { lastSeenMs: START_MS });
    post.edge("shards/shard/1/ams", { lastSeenMs: START_MS });
    expect([6, 7, 8].flatMap((minutes) => post.look(START_MS + minutes * MINUTE_MS))).toEqual([
      "raised shard_silent shards/shard/2/fra 420",
    ]);
  });
});

it.each([
  ["does not answer", () => new Promise(() => {})],
  ["fails", () => Promise.reject(new Error("for a test"))],
])("an edge in trouble is told by its shard where the root %s", async (how, shardMap) => {
  const tenant = `rootless-${how.split(" ")[0]}`;
  const authorization = await bearer({ kind: "admin", tenant, edge: "" });
  await exports.default.fetch("http://hub/v1/shards", { method: "PUT", body: '{"tag":"site"}', headers: { authorization } });
  const clock = { "tallywire-clock": String(Date.now() / 1000 + 60), "tallywire-tags": "site=fra" };
  const fra = env.HUB.getByName(`${tenant}/shard/2/fra`);
  expect(await post(tenant, "a", bundle, clock)).toMatchObject({ stored: true });
  await runDurableObjectAlarm(fra);
  await runInDurableObject(fra, (hub) => {
    const { lookout } = hub as unknown as {
      lookout: { environment: object; watch: { watched: Map<string, { sinceMs: number }> } };
    };
    lookout.environment = { ...env, HUB: { getByName: () => ({ shardMap }) } };
    for (const one of lookout.watch.watched.values()) one.sinceMs -= MINUTE_MS;
  });
  await runDurableObjectAlarm(fra);
  expect(await fra.listEvents(0, Date.now() + MINUTE_MS)).toMatchObject([
    { trouble: "edge_drifting", state: "raised", subject: "a" },
  ]);
});

describe("GET /v1/events", () => {
  it("tells what an alarm saw, to those who may see the edge", async () => {
    const clock = { "tallywire-clock": String(Date.now() / 1000 + 60) };
    await post("asked", "a", bundle, { ...clock, "tallywire-tags": "site=fra" });
    await runDurableObjectAlarm(hubOf("asked"));
    // The second look comes a period later; the first is set back by one.
    await runInDurableObject(hubOf("asked"), (hub) => {
      const { watch } = (hub as unknown as { lookout: { watch: { watched: Map<string, { sinceMs: number }> } } }).lookout;
      for (const one of watch.watched.values()) one.sinceMs -= MINUTE_MS;
    });
    await post("asked", "a", withSequence(bundle, 1), { ...clock, "tallywire-tags": "site=fra" });
    await runDurableObjectAlarm(hubOf("asked"));
    const { data } = await get<{ data: Record<string, unknown>[] }>("asked", "/v1/events");
    expect(data).toEqual([
      {
        time: expect.any(String),
        id: 1,
        event: "edge_drifting",
        state: "raised",
        edge: "a",
        shard: null,
        site: "fra",
        seconds: expect.closeTo(60, 0),
      },
    ]);
    const limited = async (site: string) => {
      const authorization = await bearer({
        kind: "read",
        tenant: "asked",
        edge: "",
        where: [{ tag: "site", values: [site], negated: false }],
      });
      const response = await exports.default.fetch("http://hub/v1/events", { headers: { authorization } });
      return (await response.json<{ data: unknown[] }>()).data.length;
    };
    expect([await limited("fra"), await limited("ams")]).toEqual([1, 0]);
    const told = await call("/v1/events?by=edge", { headers: { authorization: await readKey("asked") } });
    expect(told).toMatchObject({ status: 400, reason: expect.stringContaining("by: is no field") });
  });
});

describe("a webhook", () => {
  const event: HubEvent = { trouble: "edge_silent", state: "raised", subject: "a", tags: { site: "fra" }, seconds: 200 };
  type Answer = (request: Request) => Response | Promise<Response>;
  const hooked = <T>(tenant: string, answer: Answer, run: (log: EventLog, webhook: Webhook) => Promise<T>) =>
    runInDurableObject(hubOf(tenant), (_, { storage }) => {
      const WEBHOOK = { fetch: async (url: URL, init: RequestInit) => answer(new Request(url, init)) };
      const environment = { ...env, WEBHOOK_URL: "https://hooks.example.com/x?y=1", WEBHOOK } as unknown as Environment;
      const log = new EventLog(storage.sql, true);
      return run(log, new Webhook(log, environment));
    });

  it("is given events in order, signed, each once", async () => {
    const got: { url: string; signature: string | null; body: string }[] = [];
    const answer: Answer = async (request) => {
      got.push({ url: request.url, signature: request.headers.get("tallywire-signature"), body: await request.text() });
      return new Response(null, { status: 204 });
    };
    await hooked("hook", answer, async (log, webhook) => {
      for (let index = 0; index < 130; index += 1) log.add({ ...event, subject: `e${index}` }, START_MS);
      await webhook.deliver("acme", "acme/root/1/0", START_MS, 60);
      await webhook.deliver("acme", "acme/root/1/0", START_MS + MINUTE_MS, 60);
    });
    expect(got.map(({ url }) => url)).toEqual(Array(2).fill("https://hooks.example.com/x?y=1"));
    const bodies = got.map(({ body }) => JSON.parse(body));
    expect(bodies[0]).toMatchObject({ service: "tallywire", tenant: "acme", object: "acme/root/1/0" });
    expect(bodies.flatMap(({ events }) => events.map(({ edge }: { edge: string }) => edge))).toEqual(
      Array.from({ length: 130 }, (_, index) => `e${index}`),
    );
    expect(bodies[0].events[0]).toEqual({
      id: 1,
      time: "2027-01-15T08:00:00Z",
      event: "edge_silent",
      state: "raised",
      edge: "e0",
      shard: null,
      site: "fra",
      seconds: 200,
    });
    const secret = await importSigner(await webhookSecret(env.MASTER_KEY, "acme"));
    for (const { body, signature } of got) expect(signature).toBe(await signText(secret, body));
  });

  it("that fails is tried again later and later, and gets all in the end", async () => {
    const tries: number[] = [];
    let nowMs = START_MS;
    const answers: Answer[] = [
      () => new Response("no", { status: 500 }),
      () => Response.redirect("https://elsewhere.example.com/"),
      () => Promise.reject(new Error("connection refused")),
      () => new Response("ok"),
    ];
    await hooked(
      "fails",
      (request) => {
        tries.push(nowMs);
        return answers[tries.length - 1]!(request);
      },
      async (log, webhook) => {
        log.add(event, START_MS);
        for (let minute = 0; minute < 20; minute += 1) {
          await webhook.deliver("acme", "o", nowMs, 60);
          nowMs += MINUTE_MS;
        }
        expect(log.unsent(10)).toEqual([]);
      },
    );
    expect(tries).toHaveLength(4);
    const waits = tries.slice(1).map((at, index) => (at - tries[index]!) / MINUTE_MS);
    expect(waits[0]).toBe(1);
    expect([waits[1]! >= 1 && waits[1]! <= 2, waits[2]! >= 2 && waits[2]! <= 4]).toEqual([true, true]);
  });

  it("that is not there, or cannot be signed for, has its events wait", async () => {
    const bodies: { events: { edge: string }[] }[] = [];
    await runInDurableObject(hubOf("waits"), async (_, { storage }) => {
      const WEBHOOK = {
        fetch: async (_url: URL, init: RequestInit) => {
          bodies.push(JSON.parse(init.body as string));
          return new Response("ok");
        },
      };
      const log = new EventLog(storage.sql, true);
      log.add(event, START_MS);
      const whole = { ...env, WEBHOOK_URL: "https://hooks.example.com/", WEBHOOK };
      for (const missing of [{ MASTER_KEY: undefined }, { WEBHOOK_URL: undefined }, { WEBHOOK_URL: "" }]) {
        const environment = { ...whole, ...missing } as unknown as Environment;
        await new Webhook(log, environment).deliver("acme", "o", START_MS, 60);
        expect([bodies.length, log.unsent(10).length]).toEqual([0, 1]);
      }
      await new Webhook(log, whole as unknown as Environment).deliver("acme", "o", START_MS, 60);
      expect(log.unsent(10)).toEqual([]);
    });
    expect(bodies.map(({ events }) => events.map(({ edge }) => edge))).toEqual([["a"]]);
  });

  it("that does not answer holds nothing up, and is asked once at a time", async () => {
    let asked = 0;
    const never: Answer = () => new Promise(() => (asked += 1));
    await hooked("hangs", never, async (log, webhook) => {
      log.add(event, START_MS);
      void webhook.deliver("acme", "o", START_MS, 60);
      await new Promise((done) => setTimeout(done, 50));
      await webhook.deliver("acme", "o", START_MS + MINUTE_MS, 60);
      expect([asked, log.unsent(10).length]).toEqual([1, 1]);
    });
  });

  it.each([
    ["https://example.com/hook", true],
    ["http://127.0.0.1:8080/hook", true],
    ["http://localhost/", true],
    ["http://example.com/", false],
    ["http://127.0.0.1.example.com/", false],
    ["https://user:secret@example.com/", false],
    ["ftp://example.com", false],
    ["hook", false],
  ])("at %s: %s", (url, isTaken) => {
    const of = () => webhookOf({ WEBHOOK_URL: url } as Environment);
    if (isTaken) expect(of()?.href).toBe(new URL(url).href);
    else expect(of).toThrow(/WEBHOOK_URL is .*set an address like https/);
  });
});
