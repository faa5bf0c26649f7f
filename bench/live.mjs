/**
 * Live capture between two network namespaces, packets by tcpreplay. Drops: the agent beside `tcpdump -w /dev/null` on the same interface in
 * the same run, at rising rates. CPU: what a packet takes of the agent at 120,000 a second, every metric on, by each way to
 * capture, in turn; medians of rounds, in units of the npm package `cap`. What a packet takes of the same agent where the packets come from
 * a file is what is left when capturing costs nothing.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../scripts/lib/run.mjs";
import { capture } from "./lib/capture.mjs";
import { cpuSeconds } from "./lib/cpu-seconds.mjs";
import { median } from "./lib/median.mjs";
import { missingRow, row } from "./lib/row.mjs";
import { stop, Wire, wireMissing } from "./lib/wire.mjs";

const RATE = 120_000;
const RATES = [60_000, RATE, 240_000, 0];
const PACKETS = 600_000;
const WARM_PACKETS = 150_000;
const ROUNDS = 3;
const METHODS = ["ring", "libpcap", "cap"];
const FILES = "file";
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

/** CPU a packet of an agent that reads files, in the same way. */
function cpuOfFiles(warm, long) {
  const spool = mkdtempSync(join(tmpdir(), "tallywire-bench-"));
  const words = ["--spool", spool, "--host-network", "10.0.0.0/8"];
  try {
    const [less, more] = [warm, long].map(({ path }) => cpuSeconds(["node", COMMAND, "agent", "--file", path, ...words]));
    return { ns: ((more - less) / (long.record.packets - warm.record.packets)) * 1e9, lost: 0 };
  } finally {
    rmSync(spool, { recursive: true });
  }
}

async function cpu(wire, warm, long) {
  const all = Object.fromEntries([...METHODS, FILES].map((method) => [method, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const method of METHODS) all[method].push(await cpuBy(wire, method, warm, long));
    all[FILES].push(cpuOfFiles(warm, long));
  }
  const figure = (method) => median(all[method].map(({ ns }) => ns));
  const lost = (method) => all[method].map((run) => run.lost).join(", ");
  return ["ring", "libpcap", FILES].map((method) => {
    const notes = [...METHODS, FILES].map((name) => `${name} ${Math.round(figure(name))} ns, not seen ${lost(name)}`);
    const way = method === FILES ? "from a file" : `at ${RATE.toLocaleString("en")} a second by ${method}`;
    const name = `live: CPU a packet ${way}, in the npm package cap's`;
    return row(name, figure(method) / figure("cap"), { digits: 3, most: method === "ring" ? SHARE_MOST : undefined, notes });
  });
}

/** Measures live capture. */
export async function live() {
  const missing = wireMissing();
  if (missing !== undefined) return [missingRow("live: drops and CPU", missing)];
  const [warm, long] = [capture("mix", WARM_PACKETS), capture("mix", PACKETS)];
  const wire = new Wire();
  try {
    return [...(await drops(wire, long)), ...(await cpu(wire, warm, long))];
  } finally {
    wire.remove();
  }
}
