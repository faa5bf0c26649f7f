/** Attribution measured: clients in C on this host or in a namespace, truth from their own record. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ADDON, Listener, Network } from "../capture/network";
import { ROOT } from "../repository";

/** What came of one manner of opening connections that last so long. */
export interface AttributionRow {
  manner: string;
  lifeMs: number;
  right: number;
  wrong: number;
  gone?: number;
  hidden?: number;
  doubtful?: number;
  busy?: number;
  late?: number;
}

/** What is opened: so many connections in each manner (client.c) and of each life. */
export interface AttributionPlan {
  count: number;
  manners: readonly string[];
  livesMs: readonly number[];
  /** Busy loops that run beside. */
  load?: number;
}

const ASKER = join(ROOT, "test/support/owner/asker.mjs");
const SERVER = `
  const server = require("node:net").createServer((socket) => socket.on("error", () => {}).resume());
  server.listen(0, process.argv[1], () => console.log("port " + server.address().port));`;
const BUSY = "for (;;) {}";

/** The program of client.c, in a folder that is removed by `remove`. */
export function compileClient(): { client: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "owner-"));
  const client = join(folder, "client");
  execFileSync(process.env.CC || "cc", ["-O2", "-Wall", "-o", client, join(ROOT, "test/support/owner/client.c")]);
  return { client, remove: () => rmSync(folder, { recursive: true }) };
}

/** Measures on loopback. */
export async function onLoopback(client: string, plan: AttributionPlan): Promise<AttributionRow[]> {
  const server = createServer((socket) => socket.on("error", () => {}).resume()).listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const { port } = server.address() as { port: number };
  try {
    return await measure([], client, { address: "127.0.0.1", own: "127.0.0.1", port }, plan);
  } finally {
    server.close();
  }
}

/** Measures between two namespaces, in that of the clients. */
export async function betweenNamespaces(client: string, plan: AttributionPlan): Promise<AttributionRow[]> {
  const network = new Network();
  try {
    await network.ready();
    const { near, far } = network;
    const server = await new Listener(far.start(process.execPath, "-e", SERVER, far.address)).says(/port \d+/);
    const port = Number(/port (\d+)/.exec(server.said)![1]);
    return await measure(near.words(), client, { address: far.address, own: near.address, port }, plan);
  } finally {
    network.remove();
  }
}

async function measure(
  within: readonly string[],
  client: string,
  ends: { address: string; own: string; port: number },
  { count, manners, livesMs, load = 0 }: AttributionPlan,
): Promise<AttributionRow[]> {
  const words = [ADDON!, client, ends.address, String(ends.port), String(count), manners.join(), livesMs.join()];
  const [program, ...rest] = [...within, process.execPath, ASKER, ...words];
  const busy: ChildProcess[] = Array.from({ length: load }, () => spawn(process.execPath, ["-e", BUSY], { stdio: "ignore" }));
  try {
    const child = spawn(program!, rest, { env: { ...process.env, OWN_ADDRESS: ends.own }, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    let complaint = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => (said += part));
    child.stderr.setEncoding("utf8").on("data", (part: string) => (complaint += part));
    const code = await new Promise((done) => child.once("close", done));
    if (code !== 0) throw new Error(complaint);
    return said
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as AttributionRow);
  } finally {
    for (const one of busy) one.kill("SIGKILL");
  }
}
