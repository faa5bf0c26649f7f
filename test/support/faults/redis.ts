/** Redis under faults: values of 5 KB and other sizes, nulls and errors. */
import { bulk, command } from "../redis";
import type { FaultyProtocol } from "./talk";

const TEXT = new TextEncoder();
const REPLIES: [outcome: string, reply: string][] = [
  ["ok", bulk("v".repeat(5000))],
  ["ok", bulk("v".repeat(40))],
  ["WRONGTYPE", "-WRONGTYPE no such kind of value\r\n"],
  ["ok", "$-1\r\n"],
  ["ok", bulk("w".repeat(3000))],
];

export const REDIS: FaultyProtocol = {
  name: "redis",
  port: 6379,
  exchange(connection, number) {
    const id = `key:${connection}:${number}`;
    const [outcome, reply] = REPLIES[(connection + number) % REPLIES.length]!;
    const asked = number % 5 === 4 ? command("SET", id, "x".repeat(2000)) : command("GET", id);
    return { id, outcome, request: TEXT.encode(asked), response: TEXT.encode(reply) };
  },
  idOf: ({ request }) => request?.key as string | undefined,
  outcomeOf: ({ status, response }) => (response?.errorCode as string | undefined) ?? status,
};
