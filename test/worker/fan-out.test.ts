/** How many objects are asked at once, and what becomes of the others where one refuses. */
import { expect, it } from "vitest";
import type { Environment } from "../../worker/environment";
import { FAN_OUT_AT_A_TIME, FAN_OUT_OBJECTS_MAX } from "../../worker/limits";
import type { Refused } from "../../worker/refusal";
import { askEach, askObjects } from "../../worker/tree/fan-out";

const OBJECTS = 40;
const names = Array.from({ length: OBJECTS }, (_, index) => `fan/shard/2/site-${index}`);
const environment = { HUB: { getByName: (name: string) => ({ name }) } } as unknown as Environment;

/** Asks all, each answer coming when the test lets it; gives what is open and how many ever were. */
function asking(answerOf: (name: string) => object | Refused) {
  const open: (() => void)[] = [];
  const seen = { most: 0, asked: 0, taken: 0 };
  const ask = (_object: unknown, _isRoot: boolean, name: string) => {
    const answer = new Promise<object | Refused>((settle) => open.push(() => settle(answerOf(name))));
    seen.asked += 1;
    seen.most = Math.max(seen.most, open.length);
    return answer;
  };
  const take = () => {
    seen.taken += 1;
    return null;
  };
  return { open, seen, told: askEach(environment, "fan", names, ask, take) };
}

it("is six at the most, and six as long as there are", async () => {
  const { open, seen, told } = asking(() => ({}));
  let left = OBJECTS;
  while (left > 0) {
    expect(open).toHaveLength(Math.min(FAN_OUT_AT_A_TIME, left));
    open.splice(left % open.length, 1)[0]!();
    left -= 1;
    await scheduler.wait(0);
  }
  expect(await told).toBeNull();
  expect(FAN_OUT_AT_A_TIME).toBe(6);
  expect(seen).toEqual({ most: FAN_OUT_AT_A_TIME, asked: OBJECTS, taken: OBJECTS });
});

it("asks no more once one has refused", async () => {
  const refused: Refused = { status: 422, code: "too_much", reason: "for a test" };
  const { open, seen, told } = asking((name) => (name.endsWith("-3") ? refused : {}));
  while (open.length > 0) {
    open.shift()!();
    await scheduler.wait(0);
  }
  expect(await told).toEqual(refused);
  expect(seen.asked).toBeLessThan(OBJECTS / 2);
});

it("asks nobody where there are too many, and says what can be done about it", async () => {
  const shards = Array.from({ length: FAN_OUT_OBJECTS_MAX + 1 }, (_, index) => `fan/shard/2/site-${index}`);
  const many = { HUB: { getByName: () => ({ listShards: async () => shards }) } } as unknown as Environment;
  const ask = () => Promise.reject(new Error("it was asked"));
  const told = (to: number) => askObjects(many, "fan", { from: 0, to, tagConditions: [] }, ask, () => null);
  expect(await told(3600)).toMatchObject({
    status: 422,
    reason: expect.stringMatching(/1001 shards.*name the shards' tag in where/),
  });
  // What is about all objects has no where.
  expect(await told(Number.POSITIVE_INFINITY)).toMatchObject({
    status: 422,
    reason: expect.stringMatching(/a tag with fewer values/),
  });
});
