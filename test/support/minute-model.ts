/**
 * A modelled minute of a host that serves and asks: half DNS over UDP, half HTTP/1.1 over TCP, each half in and half out.
 *
 * Names, clients, servers, hosts and paths follow Zipf's law, durations are lognormal; one name in ten is asked for once.
 * It is what sizes on the wire are measured with, so nothing in it may be simpler than the world in a way that compresses.
 */
import { Random } from "./traffic";

const HOST = [10, 0, 0, 53];
const START_SECONDS = 1_680_000_000;
const SPAN_SECONDS = 59;
/** Requests of one connection in the mean. */
const REQUESTS_PER_CONNECTION = 8;
const SYN = 2;
const PSH_ACK = 24;
const FIN_ACK = 17;

interface Packet {
  seconds: number;
  bytes: Buffer;
}

/** Draws 0 to below `count`, number n with a weight of 1 / (n + 1)^exponent. */
function zipf(random: Random, count: number, exponent: number): () => number {
  const sums = new Float64Array(count);
  let total = 0;
  for (let i = 0; i < count; i++) sums[i] = total += 1 / (i + 1) ** exponent;
  return () => {
    const wanted = random.next() * total;
    let low = 0;
    for (let high = count - 1; low < high; ) {
      const middle = (low + high) >> 1;
      if ((sums[middle] as number) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

class Model {
  readonly packets: Packet[] = [];
  readonly random = new Random(20);
  private readonly domains = Array.from(
    { length: 10_000 },
    () => `${this.word()}.${this.pick(["com", "com", "net", "org", "io", "de", "fr"])}`,
  );
  private readonly domain = zipf(this.random, 10_000, 1);
  private readonly client = zipf(this.random, 4000, 0.8);
  private readonly server = zipf(this.random, 500, 0.9);
  private readonly resources = Array.from(
    { length: 150 },
    () => `/${this.pick(["api/v1", "api/v2", "static", "app"])}/${this.word()}`,
  );
  private readonly resource = zipf(this.random, 150, 1);
  private readonly agents = Array.from(
    { length: 30 },
    (_, index) => `Mozilla/5.0 (${this.word()}; rv:${index}.0) ${this.word()}/${index + 90}.0`,
  );

  pick<T>(items: readonly T[]): T {
    return items[this.random.below(items.length)] as T;
  }

  word(): string {
    let word = "";
    for (let left = 2 + this.random.below(4); left > 0; left--)
      word += this.pick([..."bcdfghklmnprstvz"]) + this.pick([..."aeiou"]);
    return word;
  }

  /** A duration in seconds, its median `median`. */
  duration(median: number): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.random.next())) * Math.cos(2 * Math.PI * this.random.next());
    return median * Math.exp(1.2 * normal);
  }

  /** Picks by the shares of a list of pairs, which add up to 1. */
  share<T>(shares: readonly (readonly [T, number])[]): T {
    let left = this.random.next();
    for (const [value, share] of shares) {
      left -= share;
      if (left < 0) return value;
    }
    return shares[0]?.[0] as T;
  }

  name(): string {
    const domain = this.domains[this.domain()] as string;
    const kind = this.random.next();
    if (kind < 0.25) return domain;
    if (kind < 0.35) return `${this.random.below(2 ** 30).toString(36)}.${domain}`;
    const host = this.pick(["www", "api", "cdn", "mail", "img", "static", "m", "login"]);
    return kind < 0.65 ? `${host}.${domain}` : `${host}${this.random.below(9)}.${domain}`;
  }

  /** Client and server of a conversation. */
  ends(isIncoming: boolean): [number[], number[]] {
    const number = isIncoming ? (this.client() * 7919) % 65536 : (this.server() * 104729) % 65536;
    const peer = [isIncoming ? 192 : 203, number >> 12, (number >> 5) & 127, 1 + (number & 31)];
    return isIncoming ? [peer, HOST] : [HOST, peer];
  }

  put(seconds: number, from: number[], to: number[], protocol: number, transport: Buffer): void {
    const bytes = Buffer.alloc(34 + transport.length);
    bytes.writeUInt16BE(0x0800, 12);
    bytes[14] = 0x45;
    bytes.writeUInt16BE(20 + transport.length, 16);
    bytes.writeUInt16BE(this.packets.length & 0xffff, 18);
    bytes[22] = 64;
    bytes[23] = protocol;
    bytes.set(from, 26);
    bytes.set(to, 30);
    transport.copy(bytes, 34);
    this.packets.push({ seconds, bytes });
  }

  dns(seconds: number, isIncoming: boolean): void {
    const [client, server] = this.ends(isIncoming);
    const port = 1024 + this.random.below(64000);
    const rcode = this.share([
      [0, 0.85],
      [3, 0.12],
      [2, 0.02],
      [5, 0.01],
    ] as const);
    const type = this.share([
      [1, 0.55],
      [28, 0.3],
      [65, 0.08],
      [12, 0.03],
      [16, 0.02],
      [15, 0.02],
    ] as const);
    const answers = rcode === 0 && this.random.next() > 0.1 ? 1 + this.random.below(3) : 0;
    const labels = this.name()
      .split(".")
      .flatMap((label) => [label.length, ...Buffer.from(label)]);
    const question = Buffer.from([...labels, 0, 0, type, 0, 1]);
    const id = this.random.below(65536);
    const head = (flags: number, count: number) =>
      Buffer.from([id >> 8, id & 255, flags >> 8, flags & 255, 0, 1, 0, count, 0, 0, 0, 0]);
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 198, 51, 100, 7]);
    const query = Buffer.concat([head(0x0100, 0), question]);
    const response = Buffer.concat([head(0x8180 | rcode, answers), question, ...Array<Buffer>(answers).fill(record)]);
    this.put(seconds, client, server, 17, udp(port, 53, query));
    this.put(seconds + this.duration(0.004), server, client, 17, udp(53, port, response));
  }

  /** One connection and its requests; gives their number. */
  http(start: number, isIncoming: boolean, most: number): number {
    const [client, server] = this.ends(isIncoming);
    const port = 1024 + this.random.below(64000);
    const host = isIncoming ? "www.shop.example" : this.name();
    const agent = this.pick(this.agents);
    let seconds = start;
    const sequence = [this.random.below(2 ** 31), this.random.below(2 ** 31)] as [number, number];
    const segment = (side: 0 | 1, flags: number, payload: Buffer) => {
      const [from, to] = side === 0 ? [client, server] : [server, client];
      const ports = side === 0 ? [port, 80] : [80, port];
      this.put(
        seconds,
        from,
        to,
        6,
        tcp(ports as [number, number], sequence[side], sequence[1 - side] as number, flags, payload),
      );
      sequence[side] += payload.length + (flags & 3 ? 1 : 0);
    };
    const none = Buffer.alloc(0);
    segment(0, SYN, none);
    seconds += 0.0005;
    segment(1, SYN | 16, none);
    seconds += 0.0005;
    segment(0, 16, none);
    const requests = Math.min(most, 1 + this.random.below(2 * REQUESTS_PER_CONNECTION - 1));
    for (let i = 0; i < requests; i++) {
      const method = this.share([
        ["GET", 0.8],
        ["POST", 0.15],
        ["PUT", 0.03],
        ["DELETE", 0.02],
      ] as const);
      const path = `${this.resources[this.resource()]}${this.random.next() < 0.5 ? `/${this.random.below(1e6)}` : ""}`;
      const status = this.share([
        [200, 0.84],
        [304, 0.05],
        [201, 0.02],
        [404, 0.06],
        [500, 0.02],
        [403, 0.01],
      ] as const);
      const body = method === "GET" || method === "DELETE" ? 0 : Math.floor(this.duration(300));
      seconds += this.duration(0.02) / 10;
      segment(
        0,
        PSH_ACK,
        Buffer.from(
          `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: ${agent}\r\nContent-Length: ${Math.min(body, 900)}\r\n\r\n${"b".repeat(Math.min(body, 900))}`,
        ),
      );
      seconds += this.duration(0.02);
      const length = status === 304 ? 0 : Math.min(1000, Math.floor(this.duration(400)));
      segment(
        1,
        PSH_ACK,
        Buffer.from(`HTTP/1.1 ${status} X\r\nContent-Type: text/html\r\nContent-Length: ${length}\r\n\r\n${"r".repeat(length)}`),
      );
    }
    segment(0, FIN_ACK, none);
    segment(1, FIN_ACK, none);
    return requests;
  }
}

function udp(source: number, destination: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(8);
  for (const [index, value] of [source, destination, 8 + payload.length, 0].entries()) head.writeUInt16BE(value, index * 2);
  return Buffer.concat([head, payload]);
}

function tcp(
  [source, destination]: [number, number],
  sequence: number,
  acknowledged: number,
  flags: number,
  payload: Buffer,
): Buffer {
  const head = Buffer.alloc(20);
  head.writeUInt16BE(source, 0);
  head.writeUInt16BE(destination, 2);
  head.writeUInt32BE(sequence >>> 0, 4);
  head.writeUInt32BE(flags === SYN ? 0 : acknowledged >>> 0, 8);
  head[12] = 0x50;
  head[13] = flags;
  head.writeUInt16BE(0xffff, 14);
  return Buffer.concat([head, payload]);
}

/** A capture, pcap with nanoseconds, of one minute with so many requests; the modelled host is 10.0.0.53. The minute starts at `startSeconds`. */
export function modelledMinute(requests: number, startSeconds = START_SECONDS): Buffer {
  const model = new Model();
  const dns = requests >> 1;
  for (let i = 0; i < dns; i++) model.dns((i / dns) * SPAN_SECONDS, i % 2 === 0);
  const http = requests - dns;
  for (let done = 0, connection = 0; done < http; connection++) {
    done += model.http((done / http) * (SPAN_SECONDS - 5), connection % 2 === 0, http - done);
  }
  const packets = model.packets.filter(({ seconds }) => seconds < SPAN_SECONDS + 0.9).sort((a, b) => a.seconds - b.seconds);
  const head = Buffer.alloc(24);
  for (const [index, value] of [0xa1b23c4d, 0x00040002, 0, 0, 65535, 1].entries()) head.writeUInt32LE(value, index * 4);
  const records = packets.map(({ seconds, bytes }) => {
    const record = Buffer.alloc(16);
    const times = [startSeconds + Math.floor(seconds), Math.floor((seconds % 1) * 1e9), bytes.length, bytes.length];
    for (const [index, value] of times.entries()) record.writeUInt32LE(value, index * 4);
    return Buffer.concat([record, bytes]);
  });
  return Buffer.concat([head, ...records]);
}
