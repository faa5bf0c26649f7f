/** An object that has much unsealed seals early, in the midst of what comes: nothing may count as there that is in no row yet. */
import { abortAllDurableObjects, runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { BATCH_BUNDLES_MAX, PENDING_BYTES_MAX } from "../../worker/limits";
import { sealMinute } from "../support/edge-minute";
import { ask, hubOf, MINUTE, post } from "./support/client";

/** What the test reaches into: the queue, so that it writes only when it is full, and how much is unsealed. */
interface Insides {
  queue: { wake(): void; bundles: number; isEmpty: boolean; settled(name: string): unknown };
  pendingBytes: number;
}

const tenant = "early-seal";
const inside = <Result>(work: (insides: Insides) => Result) =>
  runInDurableObject(hubOf(tenant), (instance) => work(instance as unknown as Insides));

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await scheduler.wait(5);
}

it("forgets what waited when it crashes, and takes it when it is posted again", async () => {
  const bundleOf = (boot: number) =>
    sealMinute({ minute: MINUTE, boot: BigInt(boot), exchanges: [{ client: `10.0.0.${boot}`, name: "a.example.com" }] });
  await post(tenant, "a", bundleOf(1));
  await inside(({ queue }) => {
    queue.wake = () => {};
  });
  const posts = [post(tenant, "a", bundleOf(2))];
  await until(() => inside(({ queue }) => !queue.isEmpty));
  await inside((insides) => {
    insides.queue.bundles = BATCH_BUNDLES_MAX;
    insides.pendingBytes = PENDING_BYTES_MAX;
  });
  // The queue is full: this one has what waits written, which is too much unsealed, and waits itself.
  posts.push(post(tenant, "a", bundleOf(3)));
  void posts[1]!.catch(() => {});
  await until(() => inside(({ queue, pendingBytes }) => pendingBytes === 0 && !queue.isEmpty));
  expect(await posts[0]).toMatchObject({ stored: true });
  await abortAllDurableObjects();
  expect(await post(tenant, "a", bundleOf(2))).toMatchObject({ stored: false });
  expect(await post(tenant, "a", bundleOf(3))).toMatchObject({ stored: true });
  expect((await ask(tenant, "metric=dns_requests_total&op=sum")).data[0]!.value).toBe(3);
});
