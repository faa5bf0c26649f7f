/** What the metrics of redis are in redis-scenarios.ts. */
import { addsUp, all, breakdown, count, distinct, type Expectation, histogram, OUT, top } from "./expectations";
import * as redis from "./redis-scenarios";

const bytesOf = (texts: string[]) => texts.reduce((sum, text) => sum + text.length, 0);
const redisAsked = [...redis.EXCHANGES.map(([asked]) => asked), redis.SLOW[0], "*1\r\n$4\r\nPING\r\n"];
const redisAnswers = [...redis.EXCHANGES.map(([, answer]) => answer), redis.SLOW[1]];

/** Five exchanges, of which one is an error, an orphan, and a PING whose reply is none. */
export const REDIS: Record<string, Expectation> = {
  redis_requests_total: all(
    count(4, { ...OUT, status: "ok" }),
    count(1, { status: "error" }),
    count(1, { status: "unobserved" }),
    count(6),
  ),
  redis_orphan_responses_total: count(1, OUT),
  redis_malformed_total: count(1),
  redis_duration_seconds: histogram(5, 4 * 0.005 + 0.905, OUT),
  redis_request_bytes: histogram(6, bytesOf(redisAsked), OUT),
  redis_response_bytes: histogram(5, bytesOf(redisAnswers), OUT),
  // The way to the server, 5 ms by the handshake, is all of the wait but for the slow one.
  redis_server_seconds: histogram(5, 0.9, OUT),
  redis_clients: distinct(1, OUT),
  redis_servers: distinct(1, OUT),
  redis_top_commands: top({ SET: 1, GET: 2, INCR: 1, PING: 1, KEYS: 1 }),
  redis_top_slow: top({ KEYS: 1 }),
  redis_top_failing: top({ INCR: 1 }),
  redis_top_key_prefixes: top({ "user:*": 3, plain: 1 }),
  redis_top_error_codes: top({ WRONGTYPE: 1 }),
  redis_calls: all(
    breakdown(["command", "outcome"], ["SET ok 1 0", "GET ok 2 0", "INCR WRONGTYPE 1 1", "KEYS ok 1 0", "PING unobserved 1 0"]),
    addsUp("redis"),
  ),
};
