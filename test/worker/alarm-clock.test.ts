/** A storage that cannot set an alarm for a while: nothing is lost, and the alarm is set once it can be. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { expect, it, vi } from "vitest";
import { ALARM_RETRY_MS } from "../../worker/limits";
import { AlarmClock } from "../../worker/object/alarm-clock";
import { sealMinute } from "../support/edge-minute";
import { ask, hubOf, MINUTE, post } from "./support/client";

it.each([
  [
    "throws",
    () => {
      throw new Error("no alarm");
    },
  ],
  ["rejects", () => Promise.reject(new Error("no alarm"))],
])("is set again where setAlarm %s", async (_, fail) => {
  vi.useFakeTimers();
  let failures = 3;
  const set: number[] = [];
  const setAlarm = async (atMs: number) => {
    failures -= 1;
    if (failures >= 0) return fail();
    set.push(atMs);
  };
  const clock = new AlarmClock({ getAlarm: () => Promise.reject(new Error("no alarm")), setAlarm } as never, 60);
  await clock.rearm();
  await vi.advanceTimersByTimeAsync(10 * ALARM_RETRY_MS);
  expect(set).toHaveLength(1);
  expect(set[0]).toBe(clock.nextMs(set[0]! - 1));
  vi.useRealTimers();
});

it("keeps what was posted meanwhile, once, and seals it later", async () => {
  const tenant = "no-alarm";
  const bundle = (boot: bigint) =>
    sealMinute({ minute: MINUTE, boot, exchanges: [{ client: "10.0.0.1", name: "a.example.com" }] });
  await post(tenant, "edge", bundle(1n));
  await runDurableObjectAlarm(hubOf(tenant));
  await runInDurableObject(hubOf(tenant), (_, { storage }) => storage.deleteAlarm());
  let failures = 0;
  const setAlarm = await runInDurableObject(hubOf(tenant), (instance, { storage }) => {
    const original = storage.setAlarm.bind(storage);
    const clock = (instance as unknown as { clock: AlarmClock }).clock;
    clock.rang();
    storage.setAlarm = (() => {
      failures += 1;
      throw new Error("no alarm");
    }) as typeof storage.setAlarm;
    return original;
  });
  expect(await post(tenant, "edge", bundle(2n))).toMatchObject({ stored: true });
  expect(failures).toBeGreaterThan(0);
  expect(await post(tenant, "edge", bundle(2n))).toMatchObject({ stored: false });
  await runInDurableObject(hubOf(tenant), (_, { storage }) => {
    expect(storage.setAlarm).not.toBe(setAlarm);
    storage.setAlarm = setAlarm;
  });
  const alarm = () => runInDurableObject(hubOf(tenant), (_, { storage }) => storage.getAlarm());
  await vi.waitFor(async () => expect(await alarm()).not.toBeNull(), { timeout: 20_000 });
  await runDurableObjectAlarm(hubOf(tenant));
  expect((await ask(tenant, "metric=dns_requests_total&op=sum")).data).toMatchObject([{ value: 2 }]);
});
