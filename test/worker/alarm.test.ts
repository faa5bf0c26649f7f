/** An alarm whose parts fail: the others do their work all the same, it never throws, and the next one makes up for it. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Hub } from "../../worker/index";
import { ALARM_PART_MS_MAX } from "../../worker/limits";
import type { Receipt } from "../../worker/object/node";
import { hasMessages } from "../../worker/object/outbox";
import { startOf } from "../../worker/object/stale";
import { listTiles } from "../../worker/object/tiles";
import { sealMinute } from "../support/edge-minute";
import { ask, hubOf, MINUTE, post, timeless } from "./support/client";
import { fleet, seal, send, shard } from "./support/fleet";

const REQUESTS = "metric=dns_requests_total&op=sum";

type Work = (...words: never[]) => unknown;

/** What an alarm does, in its order, as far as it can be reached into: where it lies, and its name there. */
const PARTS: readonly [name: string, owner: string | null, method: string][] = [
  ["seal", null, "seal"],
  ["delivery", "upstream", "deliver"],
  ["knock", "knocks", "knock"],
  ["watch", "lookout", "look"],
  ["expiry", null, "expire"],
];

const FAILURES: readonly [how: string, fail: Work][] = [
  [
    "throws",
    () => {
      throw new Error("for a test");
    },
  ],
  ["rejects", () => Promise.reject(new Error("for a test"))],
  ["rejects with what is no error", () => Promise.reject(null)],
];

const bundle = (boot: bigint, minute = MINUTE) =>
  sealMinute({ minute, boot, exchanges: [{ client: "10.0.0.1", name: "a.example.com" }] });

/** The owner of a part's method in an object. */
const ownerOf = (hub: unknown, owner: string | null) =>
  (owner === null ? hub : (hub as Record<string, unknown>)[owner]) as Record<string, Work>;

/** When an object's next alarm is; null where none is set. */
const nextAlarm = (tenant: string) => runInDurableObject(hubOf(tenant), (_, { storage }) => storage.getAlarm());

const tilesOf = (tenant: string, level: number) =>
  runInDurableObject(hubOf(tenant), (_, { storage }) => [...listTiles(storage.sql, level, 0, 2 ** 31)].length);

describe.each(FAILURES)("an alarm of which a part %s", (how, fail) => {
  it.each(PARTS)("in its %s does the rest, and is set again", async (name, failing, method) => {
    const tenant = `alarm-${how.replaceAll(" ", "-")}-${name}`;
    await post(tenant, "a", bundle(1n));
    const done: string[] = [];
    await runInDurableObject(hubOf(tenant), (hub) => {
      for (const [part, owner, own] of PARTS) {
        const at = ownerOf(hub, owner);
        const work = at[own]!.bind(at);
        at[own] = (...words) => {
          done.push(part);
          return part === name ? fail(...words) : work(...words);
        };
      }
    });
    expect(await runDurableObjectAlarm(hubOf(tenant))).toBe(true);
    // An expiry seals what is old by itself; nothing here is.
    expect(done.filter((part, index) => done.indexOf(part) === index)).toEqual(PARTS.map(([part]) => part));
    expect(await tilesOf(tenant, 0)).toBe(name === "seal" ? 0 : 1);
    expect(await nextAlarm(tenant)).toBeGreaterThan(Date.now() - 60_000);
    await runInDurableObject(hubOf(tenant), (hub) => void Reflect.deleteProperty(ownerOf(hub, failing), method));
    expect(await runDurableObjectAlarm(hubOf(tenant))).toBe(true);
    expect(await tilesOf(tenant, 0)).toBe(1);
    expect(timeless((await ask(tenant, REQUESTS)).data)).toEqual([{ value: 1 }]);
  });
});

/** Lets an alarm run, and its time for each part pass. */
async function alarmOf(hub: Hub): Promise<void> {
  const ended = hub.alarm();
  await vi.advanceTimersByTimeAsync(ALARM_PART_MS_MAX);
  await ended;
}

describe("an alarm of which a part never ends", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  it.each(["delivery", "knock", "watch"])("its %s, goes on, and is set again", async (name) => {
    const tenant = `alarm-endless-${name}`;
    await runInDurableObject(hubOf(tenant), async (hub, { storage }) => {
      const done: string[] = [];
      for (const [part, owner, own] of PARTS) {
        ownerOf(hub, owner)[own] = () => {
          done.push(part);
          return part === name ? new Promise(() => {}) : null;
        };
      }
      await alarmOf(hub as Hub);
      expect(done).toEqual(PARTS.map(([part]) => part));
      expect(await storage.getAlarm()).not.toBeNull();
    });
  });

  it("asks a parent that does not answer once, and takes its receipt whenever it comes", async () => {
    const tenant = "alarm-endless-parent";
    vi.useRealTimers();
    await runInDurableObject(hubOf(tenant), (hub) => void (hub as Hub).reshard({ tag: "site", keep: [] }));
    const [one] = fleet([0]);
    await send(tenant, one!);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    await runInDurableObject(shard(tenant, "fra"), async (hub, { storage }) => {
      const { upstream } = hub as unknown as { upstream: { hubs: unknown } };
      const { hubs } = upstream;
      let asked = 0;
      let answer: (receipt: Receipt) => void = () => {};
      const promise = new Promise<Receipt>((settle) => {
        answer = settle;
      });
      const receive = () => {
        asked += 1;
        return promise;
      };
      upstream.hubs = { getByName: () => ({ receive }) };
      for (let alarm = 0; alarm < 3; alarm += 1) await alarmOf(hub as Hub);
      expect([asked, hasMessages(storage.sql)]).toEqual([1, true]);
      answer({ stored: true, timeMs: 0 });
      await vi.waitFor(() => expect(hasMessages(storage.sql)).toBe(false));
      upstream.hubs = hubs;
    });
  });
});

describe("an alarm", () => {
  it("that can write nothing loses nothing, and the next one does all of it: seal, hours, and the way up", async () => {
    const tenant = "alarm-full-disk";
    const hour = startOf(1, MINUTE - 7200);
    await post(tenant, "a", bundle(1n, hour));
    await post(tenant, "a", bundle(2n, hour + 60));
    await runInDurableObject(hubOf(tenant), (_, { storage }) => {
      Object.assign(storage, {
        transactionSync: () => {
          throw new Error("database or disk is full");
        },
      });
    });
    const window = `from=${hour}&to=${hour + 3600}`;
    for (let alarm = 0; alarm < 3; alarm += 1) {
      expect(await runDurableObjectAlarm(hubOf(tenant))).toBe(true);
      expect([await tilesOf(tenant, 0), await tilesOf(tenant, 1)]).toEqual([0, 0]);
      expect(timeless((await ask(tenant, REQUESTS, window)).data)).toEqual([{ value: 2 }]);
    }
    await runInDurableObject(hubOf(tenant), (_, { storage }) => void Reflect.deleteProperty(storage, "transactionSync"));
    expect(await runDurableObjectAlarm(hubOf(tenant))).toBe(true);
    expect([await tilesOf(tenant, 0), await tilesOf(tenant, 1)]).toEqual([2, 1]);
    expect(timeless((await ask(tenant, REQUESTS, window)).data)).toEqual([{ value: 2 }]);
  });

  it("of a shard whose parent fails is set again, and the next one sends what waits", async () => {
    const tenant = "alarm-parent";
    const [one] = fleet([0]);
    await runInDurableObject(hubOf(tenant), (hub) => void (hub as Hub).reshard({ tag: "site", keep: [] }));
    await send(tenant, one!);
    const fra = shard(tenant, "fra");
    await runInDurableObject(hubOf(tenant), (hub) => {
      const { registry } = hub as unknown as { registry: { placeShard: Work } };
      registry.placeShard = () => {
        throw new Error("for a test");
      };
    });
    expect(await runDurableObjectAlarm(fra)).toBe(true);
    expect(await runInDurableObject(fra, (_, { storage }) => storage.getAlarm())).not.toBeNull();
    await runInDurableObject(hubOf(tenant), (hub) => {
      const { registry } = hub as unknown as { registry: { placeShard: Work } };
      Reflect.deleteProperty(registry, "placeShard");
    });
    await seal(tenant, ["fra"]);
    expect(timeless((await ask(tenant, REQUESTS)).data)).toEqual([{ value: 5 }]);
  });
});
