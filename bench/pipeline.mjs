/**
 * What a packet costs: CPU of `tallywire read --summary` as the slope between two lengths of one capture, in units of the slope of
 * `tcpdump -r FILE -w /dev/null` on the same files in the same run; pairs in turn, medians. The same run holds round trips and
 * names against the generator's record.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../scripts/lib/run.mjs";
import { generate } from "./generate.mjs";

const MOST = { mix: 3, udp: 4.5, bulk: 1.5 };
const PAIRS = 5;
const DATA = join(ROOT, "bench/.data");
const TALLYWIRE = ["node", join(ROOT, "shim/bin/tallywire.mjs"), "read", "--summary", "-o", "json"];

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** CPU seconds, user and system, of a command whose output is thrown away. Throws where it fails. */
function cpuSeconds(command) {
  const script = 'TIMEFORMAT="%U %S"; time "$@" >/dev/null 2>&1';
  const { status, stderr } = spawnSync("bash", ["-c", script, "bash", ...command], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command.join(" ")} ended with ${status}`);
  const [user, system] = stderr.trim().split(" ").map(Number);
  return user + system;
}

/** The capture of a kind and length, made once. */
function capture(kind, packets) {
  mkdirSync(DATA, { recursive: true });
  const path = join(DATA, `${kind}-${packets}.pcap`);
  if (!existsSync(`${path}.json`)) generate(kind, packets, path);
  return { path, record: JSON.parse(readFileSync(`${path}.json`, "utf8")) };
}

/** Holds what the summary says against the record; answers what differs. */
function differences({ path, record }) {
  const { status, stdout } = spawnSync(TALLYWIRE[0], [...TALLYWIRE.slice(1), path], { encoding: "utf8", maxBuffer: 1 << 28 });
  if (status !== 0) return [`the command ended with ${status}`];
  const summary = JSON.parse(stdout);
  const sum = (metric) => summary.metrics.filter((row) => row.metric === metric).reduce((all, row) => all + row.value, 0);
  const found = [];
  if (summary.packets !== record.packets) found.push(`${summary.packets} packets of ${record.packets}`);
  if (summary.bytes !== record.bytes) found.push(`${summary.bytes} bytes of ${record.bytes}`);
  const trips = sum("dns_transactions_total") + sum("http_responses_total");
  if (trips !== record.roundTrips) found.push(`${trips} round trips of ${record.roundTrips}`);
  const names = summary.metrics.find((row) => row.metric === "dns_names");
  if (record.names > 0 && Math.abs(names.estimate / record.names - 1) > 0.03)
    found.push(`${names.estimate} names of ${record.names}`);
  return found;
}

/** Measures one kind with captures of `short` and `long` packets. */
export function pipeline(kind, short, long) {
  const captures = [capture(kind, short), capture(kind, long)];
  const ratios = [];
  const own = [];
  for (let i = 0; i < PAIRS; i++) {
    const slope = (commandOf) => {
      const [low, high] = captures.map(({ path }) => cpuSeconds(commandOf(path)));
      return (high - low) / (captures[1].record.packets - captures[0].record.packets);
    };
    const peer = slope((path) => ["tcpdump", "-r", path, "-w", "/dev/null"]);
    own.push(slope((path) => [...TALLYWIRE, path]) * 1e9);
    ratios.push(own.at(-1) / (peer * 1e9));
  }
  const ratio = median(ratios);
  return {
    name: `${kind}: CPU a packet, in tcpdump's`,
    figure: ratio.toFixed(2),
    most: MOST[kind],
    holds: ratio <= MOST[kind],
    notes: [`${Math.round(median(own))} ns a packet here`, ...differences(captures[1])],
  };
}
