/** redis-server and ioredis under faults: values of some KB both ways, nulls, errors. */
import { Redis } from "ioredis";
import { REDIS_PROGRAMS, startRedis } from "../../servers/redis";
import type { Stage } from "../../servers/stage";
import type { RealServer } from "../recorded";
import { REDIS } from "../redis";
import { many } from "./many";

/** Gives every key whose number says so a value before anything is captured. */
const FILL = `
for connection = 0, 99 do
  for number = 0, 99 do
    if number % 5 ~= 0 and number % 5 ~= 2 then
      redis.call('SET', 'key:' .. connection .. ':' .. number, string.rep('v', 1500 * (number % 5)))
    end
  end
end`;

async function start(stage: Stage): Promise<number> {
  const port = await startRedis(stage);
  const redis = new Redis({ port, host: "127.0.0.1" });
  await redis.eval(FILL, 0);
  await redis.quit();
  return port;
}

function exchange(redis: Redis, key: string, number: number): Promise<unknown> {
  if (number % 5 === 0) return redis.set(key, "x".repeat(2000 + number));
  // Every such key holds a text.
  if (number % 5 === 3) return redis.lpush(key, "a");
  return redis.get(key);
}

export const REAL_REDIS: RealServer = {
  ...REDIS,
  ends: "redis-server and ioredis",
  programs: REDIS_PROGRAMS,
  start,
  work: (port, connections, exchanges) =>
    many(connections, async (connection, outcomes) => {
      const redis = new Redis({ port, host: "127.0.0.1", lazyConnect: true });
      await redis.connect();
      for (let number = 0; number < exchanges; number++) {
        const key = `key:${connection}:${number}`;
        const failed = (error: Error) => error.message.split(" ")[0]!;
        outcomes.set(key, await exchange(redis, key, number).then(() => "ok", failed));
      }
      redis.disconnect();
    }),
};
