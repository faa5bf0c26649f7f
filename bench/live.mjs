/**
 * Live capture between two network namespaces, packets by tcpreplay. Drops: the agent beside `tcpdump -w /dev/null` on the same interface in
 * the same run, at rising rates. CPU: what a packet takes of the agent at 120,000 a second, every metric on, by each way to
 * capture, in turn; medians of rounds, in units of the npm package `cap`.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../scripts/lib/run.mjs";
import { capture } from "./lib/capture.mjs";
import { median } from "./lib/median.mjs";
import { missingRow, row } from "./lib/row.mjs";

const RATE = 120_000;
const RATES = [60_000, RATE, 240_000, 0];
const PACKETS = 600_000;
const WARM_PACKETS = 150_000;
const ROUNDS = 3;
const METHODS = ["ring", "libpcap", "cap"];
/** Of what `cap` takes. */
const SHARE_MOST = 1 / 8;
const COMMAND = join(ROOT, "shim/bin/tallywire.mjs");
/** Clock ticks a second, as /proc counts the time of a process. */
const TICKS = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

/** Seconds of CPU that a process has taken. */
function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Two namespaces with a pair of interfaces between them. */
class Wire {
  constructor() {
    const suffix = randomBytes(3).toString("hex");
    this.near = `tw-bench-near-${suffix}`;
    this.far = `tw-bench-far-${suffix}`;
    const ip = (...words) => execFileSync("ip", words);
    for (const name of [this.near, this.far]) ip("netns", "add", name);
    ip("-n", this.near, "link", "add", "tw0", "type", "veth", "peer", "name", "tw1", "netns", this.far);
    for (const [name, device] of [
      [this.near, "tw0"],
      [this.far, "tw1"],
    ]) {
      spawnSync("ip", ["netns", "exec", name, "sysctl", "-qw", `net.ipv6.conf.${device}.disable_ipv6=1`]);
      ip("-n", name, "link", "set", device, "up");
    }
  }

  /** Starts a program where packets come in, and waits until it has said `ready`. */
  start(ready, ...command) {
    const child = spawn("ip", ["netns", "exec", this.near, ...command], { stdio: ["ignore", "pipe", "pipe"] });
    const program = { child, said: "", ended: new Promise((done) => child.once("close", done)) };
    const started = new Promise((done, fail) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (text) => {
          program.said += text;
          if (ready.test(program.said)) done(program);
        });
      }
      child.once("close", () => fail(new Error(program.said)));
    });
    return started;
  }

  /** Sends a capture; answers packets a second as tcpreplay reached them. */
  async replay(path, rate) {
    const pace = rate === 0 ? ["--topspeed"] : [`--pps=${rate}`, "--pps-multi=32"];
    const words = ["netns", "exec", this.far, "tcpreplay", "-q", "-K", ...pace, "-i", "tw1", path];
    const child = spawn("ip", words, { stdio: ["ignore", "pipe", "ignore"] });
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      said += text;
    });
    await new Promise((done) => child.once("close", done));
    return Number(/([\d.]+) pps/.exec(said)?.[1]);
  }

  remove() {
    for (const name of [this.near, this.far]) spawnSync("ip", ["netns", "del", name]);
  }
}

async function stop({ child, ended }) {
  child.kill("SIGTERM");
  await ended;
}

const digits = (text) => Number(text?.replaceAll(/\D/g, "") ?? Number.NaN);

/** Runs an agent while `work` goes on; answers what it saw and dropped, and what `work` answers. */
async function withAgent(wire, method, work) {
  const spool = mkdtempSync(join(tmpdir(), "tallywire-bench-"));
  const words = ["agent", "-i", "tw0", "--capture", method, "--spool", spool, "--host-network", "10.0.0.0/8"];
  try {
    const agent = await wire.start(/reading interface/, "node", COMMAND, ...words);
    const result = await work(agent.child.pid);
    await stop(agent);
    const dropped = /dropped before the capture: (none|[\d,]+)/.exec(agent.said)?.[1];
    const seen = digits(/([\d,]+) packets? seen/.exec(agent.said)?.[1]);
    return { seen, dropped: dropped === "none" ? 0 : digits(dropped), result };
  } finally {
    rmSync(spool, { recursive: true });
  }
}

/** What each drops of the same packets at a rate. */
async function dropsAt(wire, path, rate) {
  const tcpdump = await wire.start(/listening/, "tcpdump", "-i", "tw0", "-w", "/dev/null");
  const { seen, dropped, result } = await withAgent(wire, "ring", () => wire.replay(path, rate));
  await stop(tcpdump);
  const peer = digits(/(\d+) packets dropped by kernel/.exec(tcpdump.said)?.[1]);
  return { reached: result, seen, dropped, peer };
}

async function drops(wire, { path, record }) {
  const rows = [];
  for (const rate of RATES) {
    const { reached, seen, dropped, peer } = await dropsAt(wire, path, rate);
    const broken = [];
    if (peer === 0 && dropped > 0) broken.push(`tcpdump dropped none of them`);
    if (seen + dropped !== record.packets) broken.push(`${seen} seen and ${dropped} dropped of ${record.packets}`);
    const name = `live: packets dropped at ${rate === 0 ? "tcpreplay's top speed" : `${rate.toLocaleString("en")} a second`}`;
    const notes = [
      `${Math.round(reached).toLocaleString("en")} a second reached`,
      `tcpdump -w /dev/null beside it dropped ${peer}`,
    ];
    rows.push(row(name, dropped, { digits: 0, notes, broken }));
  }
  return rows;
}

/** What an agent takes of these captures one after the other, and how many packets it sees. */
async function costOf(wire, method, captures) {
  const { seen, result } = await withAgent(wire, method, async (pid) => {
    for (const { path } of captures) await wire.replay(path, RATE);
    return cpuOf(pid);
  });
  return { seen, seconds: result, lost: captures.reduce((sum, { record }) => sum + record.packets, 0) - seen };
}

/** CPU a packet that was seen, as the slope between a short and a long run: starting up and compiling are in both. */
async function cpuBy(wire, method, warm, long) {
  const less = await costOf(wire, method, [warm]);
  const more = await costOf(wire, method, [warm, long]);
  return { ns: ((more.seconds - less.seconds) / (more.seen - less.seen)) * 1e9, lost: more.lost };
}

async function cpu(wire, warm, long) {
  const all = Object.fromEntries(METHODS.map((method) => [method, []]));
  for (let round = 0; round < ROUNDS; round++)
    for (const method of METHODS) all[method].push(await cpuBy(wire, method, warm, long));
  const figure = (method) => median(all[method].map(({ ns }) => ns));
  const lost = (method) => all[method].map((run) => run.lost).join(", ");
  return ["ring", "libpcap"].map((method) => {
    const notes = METHODS.map((name) => `${name} ${Math.round(figure(name))} ns, not seen ${lost(name)}`);
    const name = `live: CPU a packet at ${RATE.toLocaleString("en")} a second by ${method}, in the npm package cap's`;
    return row(name, figure(method) / figure("cap"), { digits: 3, most: method === "ring" ? SHARE_MOST : undefined, notes });
  });
}

/** Measures live capture. */
export async function live() {
  const name = "live: drops and CPU";
  if (process.platform !== "linux" || process.getuid() !== 0) return [missingRow(name, "only root may make network namespaces")];
  for (const program of ["ip", "tcpreplay", "tcpdump"])
    if (spawnSync("which", [program]).status !== 0) return [missingRow(name, `${program} is not installed`)];
  const [warm, long] = [capture("mix", WARM_PACKETS), capture("mix", PACKETS)];
  const wire = new Wire();
  try {
    return [...(await drops(wire, long)), ...(await cpu(wire, warm, long))];
  } finally {
    wire.remove();
  }
}
