/**
 * What a packet costs: CPU of `tallywire read --summary` as the slope between two lengths of one capture, in units of the slope of
 * `tcpdump -r FILE -w /dev/null` on the same files in the same run; pairs in turn, medians. The same run holds packets of each IP
 * version, round trips and names against the generator's record and a count of the file.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "../scripts/lib/run.mjs";
import { capture } from "./lib/capture.mjs";
import { countFile } from "./lib/count-file.mjs";
import { cpuSeconds } from "./lib/cpu-seconds.mjs";
import { median } from "./lib/median.mjs";
import { missingRow, row } from "./lib/row.mjs";

const MOST = { mix: 3, udp: 4.5, bulk: 1.5 };
/** Different names that a capture of DNS has at least, and in how many packets; in fewer, so many fewer. */
const NAMES_LEAST = 300_000;
const NAMES_PACKETS = 4_000_000;
/** By how much the estimate of names may be off: four standard errors. */
const NAMES_ERROR_MOST = 0.03;
const PAIRS = 5;
const TALLYWIRE = ["node", join(ROOT, "shim/bin/tallywire.mjs"), "read", "--summary", "-o", "json"];

/** Holds what the summary says against the record and the file; answers what differs. */
function differences({ path, record }, counted) {
  const { status, stdout } = spawnSync(TALLYWIRE[0], [...TALLYWIRE.slice(1), path], { encoding: "utf8", maxBuffer: 1 << 28 });
  if (status !== 0) return [`the command ended with ${status}`];
  const summary = JSON.parse(stdout);
  const sum = (metric) => summary.metrics.filter((line) => line.metric === metric).reduce((all, line) => all + line.value, 0);
  const found = [];
  const same = (what, ours, theirs) => {
    if (ours !== theirs) found.push(`${ours} ${what} of ${theirs}`);
  };
  same("packets", summary.packets, record.packets);
  same("packets in the file", counted.packets, record.packets);
  same("bytes", summary.bytes, record.bytes);
  same("IPv4 packets", sum("capture_ipv4_packets_total"), counted.ipv4);
  same("IPv6 packets", sum("capture_ipv6_packets_total"), counted.ipv6);
  same("round trips", sum("dns_transactions_total") + sum("http_responses_total"), record.roundTrips);
  same("names in the file", counted.names, record.names);
  const estimate = summary.metrics.find((line) => line.metric === "dns_names")?.estimate ?? 0;
  if (record.names > 0 && Math.abs(estimate / record.names - 1) > NAMES_ERROR_MOST)
    found.push(`${estimate} names of ${record.names}`);
  return found;
}

/** What a capture lacks of what it is to have. */
function shortcomings({ record }, { packets, ipv4, ipv6, names }) {
  const found = ipv4 > 0 && ipv6 > 0 ? [] : ["not both IP versions"];
  const least = Math.floor(NAMES_LEAST * Math.min(1, packets / NAMES_PACKETS));
  if (record.kind !== "bulk" && names < least) found.push(`fewer than ${least.toLocaleString("en")} names`);
  return found;
}

/** Measures one kind with captures of `short` and `long` packets. */
export function pipeline(kind, short, long) {
  const name = `${kind}: CPU a packet, in tcpdump's`;
  if (spawnSync("tcpdump", ["--version"]).status !== 0) return missingRow(name, "tcpdump is not installed");
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
  const counted = countFile(captures[1].path);
  const share = Math.round((counted.ipv6 / counted.packets) * 100);
  const notes = [`${Math.round(median(own))} ns a packet here`, `${share} % IPv6`];
  if (counted.names > 0) notes.push(`${counted.names.toLocaleString("en")} different names in the file`);
  const broken = [...differences(captures[1], counted), ...shortcomings(captures[1], counted)];
  if (broken.length === 0) notes.push("round trips and names as recorded");
  return row(name, median(ratios), { digits: 2, most: MOST[kind], notes, broken });
}
