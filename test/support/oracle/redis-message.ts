/** Walks the commands and replies of redis, with everything in memory. */
import { packetRecords } from "./capture-file";
import { netPacket, segmentOf } from "./frame";
import { type Assembled, Connections } from "./tcp-stream";

/** What a capture holds of redis, by its servers' ports. */
export interface RedisCount {
  /** Commands by name in lower case, a subcommand of CLIENT or CONFIG behind it. */
  commands: Record<string, number>;
  replies: number;
  /** Replies that are errors, by their first word. */
  errors: Record<string, number>;
}

interface Value {
  type: string;
  text: string;
  inside: Value[];
  next: number;
}

const PUBLISHED = /^[ps]?message$/;

function text(stream: Assembled, start: number, end: number): string {
  return Buffer.from(stream.bytes.subarray(start, end)).toString("latin1");
}

/** The line at `at` without its end; undefined where its end was not captured. */
function lineAt(stream: Assembled, at: number): string | undefined {
  const end = stream.bytes.indexOf(10, at);
  return end < 0 || end >= stream.hole(at) ? undefined : text(stream, at, end).replace(/\r$/, "");
}

function lineEnd(stream: Assembled, at: number): number {
  return stream.bytes.indexOf(10, at) + 1;
}

/** The value at `at`; undefined where it is not whole. */
function valueAt(stream: Assembled, at: number): Value | undefined {
  const line = lineAt(stream, at);
  if (line === undefined) return undefined;
  const type = line[0] ?? "";
  const next = lineEnd(stream, at);
  const count = Number(line.slice(1));
  if (/[$!=]/.test(type)) {
    if (count < 0) return { type, text: "", inside: [], next };
    const end = next + count + 2;
    return end > stream.hole(at) ? undefined : { type, text: text(stream, next, end - 2), inside: [], next: end };
  }
  if (!/[*~>%|]/.test(type)) return { type, text: line.slice(1), inside: [], next };
  const value: Value = { type, text: "", inside: [], next };
  for (let left = /[%|]/.test(type) ? 2 * count : count; left > 0; left--) {
    const one = valueAt(stream, value.next);
    if (!one) return undefined;
    value.inside.push(one);
    value.next = one.next;
  }
  return type === "|" ? valueAt(stream, value.next) : value;
}

function nameOf([first = "", second = ""]: string[]): string {
  const name = first.toLowerCase();
  return name === "client" || name === "config" ? `${name} ${second.toLowerCase()}` : name;
}

function countCommands(count: RedisCount, stream: Assembled): void {
  let at = 0;
  while (at < stream.length) {
    const line = lineAt(stream, at);
    if (line === undefined) return;
    let words = line.split(" ");
    let next = lineEnd(stream, at);
    if (line.startsWith("*")) {
      const value = valueAt(stream, at);
      if (!value) return;
      words = value.inside.map((one) => one.text);
      next = value.next;
    }
    at = next;
    if (words[0]) count.commands[nameOf(words)] = (count.commands[nameOf(words)] ?? 0) + 1;
  }
}

function countReplies(count: RedisCount, stream: Assembled): void {
  let at = 0;
  while (at < stream.length) {
    const value = valueAt(stream, at);
    if (!value) return;
    at = value.next;
    if (PUBLISHED.test(value.inside[0]?.text ?? "")) continue;
    count.replies += 1;
    if (value.type !== "-") continue;
    const code = value.text.split(" ")[0]!;
    count.errors[code] = (count.errors[code] ?? 0) + 1;
  }
}

/** Counts what clients of servers on these ports said, and what they were told. */
export function countRedis(file: Uint8Array, ports: number[]): RedisCount {
  const count: RedisCount = { commands: {}, replies: 0, errors: {} };
  const connections = new Connections();
  for (const record of packetRecords(file)) {
    const packet = netPacket(record);
    const segment = packet && segmentOf(record.timeNs, packet);
    if (segment?.protocol === "tcp") connections.add(segment);
  }
  for (const { client, server, fromClient, fromServer } of connections.all) {
    if (!ports.includes(client.port) && !ports.includes(server.port)) continue;
    const isTurned = ports.includes(client.port);
    countCommands(count, (isTurned ? fromServer : fromClient).assemble());
    countReplies(count, (isTurned ? fromClient : fromServer).assemble());
  }
  return count;
}
