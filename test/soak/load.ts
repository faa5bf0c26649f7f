/** Clients and servers on a test's network, whose requests are counted by the minute in which they were made. */
import type { ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Network } from "../support/capture/network";

/** Requests of a minute that were answered. */
export interface MinuteCount {
  /** Minutes since the epoch. */
  minute: number;
  http: number;
  dns: number;
}

const HTTP_PORT = 8080;
const DNS_PORT = 53;

/** Answers every question of DNS with an address, and every request of HTTP with a body of some length. */
const SERVERS = `
  import { createSocket } from "node:dgram";
  import { createServer } from "node:http";
  const [address, httpPort, dnsPort] = process.argv.slice(1);
  const body = Buffer.alloc(20_000, "x");
  createServer((request, response) => {
    request.resume();
    response.end(body.subarray(0, Number(new URL(request.url, "http://h").searchParams.get("bytes"))));
  }).listen(Number(httpPort), address);
  const socket = createSocket("udp4");
  socket.on("message", (query, { port, address }) => {
    const answer = Buffer.concat([query, Buffer.from("c00c000100010000003c00040a010203", "hex")]);
    answer[2] = 0x81;
    answer[3] = 0x80;
    answer[7] = 1;
    socket.send(answer, port, address);
  });
  socket.bind(Number(dnsPort), address, () => console.log("ready"));`;

/**
 * Asks in bursts, steadily and seldom, by turns, with pauses around each border of a minute. A line "pause" or "go" on standard input is
 * obeyed and answered; "end" prints what was counted. A request that is answered in another minute than it was made in makes these two one.
 */
const CLIENT = `
  import { createSocket } from "node:dgram";
  import { Agent, get } from "node:http";
  import { createInterface } from "node:readline";
  import { setTimeout as sleep } from "node:timers/promises";
  const [address, httpPort, dnsPort] = process.argv.slice(1);
  const BORDER_MS = 3000, MINUTE_MS = 60_000;
  const counts = new Map();
  const crossed = [];
  const minuteOf = (ms) => Math.floor(ms / MINUTE_MS);
  const count = (kind, startMs) => {
    const minute = minuteOf(startMs);
    if (minuteOf(Date.now()) !== minute) crossed.push(minute);
    const entry = counts.get(minute) ?? { minute, http: 0, dns: 0 };
    entry[kind] += 1;
    counts.set(minute, entry);
  };
  const kept = new Agent({ keepAlive: true, maxSockets: 20 });
  const http = (i) =>
    new Promise((done, fail) => {
      const agent = i % 3 === 0 ? undefined : kept;
      const path = "/" + ["shop", "news", "mail"][i % 3] + "/" + (i % 500) + "?bytes=" + ((i * 7919) % 20_000);
      get({ host: address, port: Number(httpPort), agent, path }, (response) => response.on("end", done).resume()).on("error", fail);
    });
  const socket = createSocket("udp4");
  const asked = new Map();
  socket.on("message", (answer) => asked.get(answer.readUInt16BE())?.());
  socket.on("error", (error) => { throw error; });
  const dns = async (i) => {
    const id = i % 65536;
    const label = Buffer.from("name" + (i % 3000));
    const name = Buffer.concat([Buffer.from([label.length]), label, Buffer.from("076578616d706c6503636f6d0000010001", "hex")]);
    const header = Buffer.from("000001000001000000000000", "hex");
    header.writeUInt16BE(id);
    await new Promise((done) => {
      asked.set(id, done);
      socket.send(Buffer.concat([header, name]), Number(dnsPort), address);
    });
    asked.delete(id);
  };
  let isPaused = true, isOver = false, open = 0;
  const made = async (kind, ask, i) => {
    const startMs = Date.now();
    open += 1;
    await ask(i);
    count(kind, startMs);
    open -= 1;
  };
  const answered = async () => { while (open > 0) await sleep(5); };
  const untilMayAsk = async () => {
    for (;;) {
      const inMinute = Date.now() % MINUTE_MS;
      if (!isPaused && inMinute > BORDER_MS / 3 && inMinute < MINUTE_MS - BORDER_MS) return;
      await sleep(20);
    }
  };
  const RHYTHMS = [{ each: 20, restMs: 100 }, { each: 1, restMs: 5 }, { each: 3, restMs: 400 }, { each: 200, restMs: 2000 }];
  (async () => {
    for (let i = 0; !isOver; ) {
      const { each, restMs } = RHYTHMS[Math.floor(Date.now() / 7000) % RHYTHMS.length];
      await untilMayAsk();
      if (isPaused) continue;
      for (const end = i + each; i < end; i++) void made(i % 2 ? "http" : "dns", i % 2 ? http : dns, i >> 1);
      await sleep(restMs);
      await answered();
    }
  })();
  for await (const word of createInterface(process.stdin)) {
    isPaused = word !== "go";
    if (isPaused) await answered();
    // What keeps its connection open would be cut off by what comes now.
    if (word === "pause") kept.destroy();
    console.log(word);
    if (word !== "end") continue;
    console.log(JSON.stringify({ counts: [...counts.values()], crossed: [...new Set(crossed)] }));
    process.exit();
  }`;

/** Clients of the far side, and their servers on the near one. */
export class Load {
  private said = "";

  private constructor(private readonly client: ChildProcess) {
    for (const stream of [client.stdout!, client.stderr!])
      stream.setEncoding("utf8").on("data", (text: string) => (this.said += text));
  }

  /** Starts both; nothing is asked before `go`. */
  static async start({ near, far }: Network): Promise<Load> {
    const words = [near.address, String(HTTP_PORT), String(DNS_PORT)];
    const program = (script: string) => [process.execPath, "--input-type=module", "-e", script, ...words];
    const servers = near.start(...program(SERVERS));
    let said = "";
    for (const stream of [servers.stdout!, servers.stderr!]) stream.on("data", (text: Buffer) => (said += text));
    while (said !== "ready\n") {
      if (servers.exitCode !== null || /error/i.test(said)) throw new Error(`the servers do not start: ${said}`);
      await sleep(20);
    }
    return new Load(far.converse(...program(CLIENT)));
  }

  /** Begins to ask, or goes on. */
  go(): Promise<void> {
    return this.tell("go");
  }

  /** Asks no more; resolves when all that was asked is answered, and every connection closed. */
  pause(): Promise<void> {
    return this.tell("pause");
  }

  /** Ends, and gives what was asked and answered, by the minute; minutes that cannot be told apart are one, named by the first. */
  async end(): Promise<MinuteCount[]> {
    await this.tell("end");
    const told = /\{.*\}/;
    while (!told.test(this.said)) await this.live();
    const { counts, crossed } = JSON.parse(told.exec(this.said)![0]) as { counts: MinuteCount[]; crossed: number[] };
    return joined(counts, (minute) => crossed.includes(minute));
  }

  private async tell(word: string): Promise<void> {
    this.said = "";
    this.client.stdin!.write(`${word}\n`);
    while (!this.said.startsWith(`${word}\n`)) await this.live();
  }

  private async live(): Promise<void> {
    if (this.client.exitCode !== null) throw new Error(`the clients ended: ${this.said}`);
    await sleep(10);
  }
}

/** Minutes in order, each whose border to the next one was crossed together with it. */
export function joined(counts: readonly MinuteCount[], isCrossed: (minute: number) => boolean): MinuteCount[] {
  const whole: MinuteCount[] = [];
  let last: number | undefined;
  for (const { minute, http, dns } of [...counts].sort((a, b) => a.minute - b.minute)) {
    const before = whole.at(-1);
    if (before !== undefined && last !== undefined && isCrossed(last)) {
      before.http += http;
      before.dns += dns;
    } else whole.push({ minute, http, dns });
    last = minute;
  }
  return whole;
}
