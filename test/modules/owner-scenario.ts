/** Questions of a process that is known, and of one that is gone, and what is then counted. */
import type { OwnerOf } from "../../engine/owner";
import { dnsQuery, dnsResponse, ethernet, ipv4, pcap, spaced, udp } from "../support/pcap-builder";
import { type Totals, totalsOf } from "../support/summaries";
import { all, count, type Expectation, IN, OUT, top } from "./expectations";
import { CLIENT, OURS, SERVER } from "./scenarios";

const DIG = 5000;
const GONE = 5001;
/** The port of each question, which is answered before the next. */
const ASKED = [DIG, GONE, DIG];
const SERVER_PORT = 53;

const question = (port: number, id: number) =>
  ethernet(
    ipv4(udp(dnsQuery("a.test", { id }), { sourcePort: port, destinationPort: SERVER_PORT }), {
      source: CLIENT,
      destination: SERVER,
      id,
    }),
  );
const answer = (port: number, id: number) =>
  ethernet(
    ipv4(udp(dnsResponse("a.test", { id }), { sourcePort: SERVER_PORT, destinationPort: port }), {
      source: SERVER,
      destination: CLIENT,
      id,
    }),
  );

const ownerOf: OwnerOf = (end, { clientPort }) => {
  if (end === "server") return null;
  return clientPort === DIG ? { process: "dig", pid: 8 } : { unknown: "gone" };
};

/** What is counted where the host says whose its ends are. */
export function ownerTotals(): Totals {
  const packets = ASKED.flatMap((port, index) => [question(port, index + 1), answer(port, index + 1)]);
  return totalsOf(pcap(spaced(packets)), { hostNetworks: [OURS], ownerOf });
}

const asked = question(DIG, 1).length;
const answered = answer(DIG, 1).length;
const both = (dig: number, unknown: number, labels: typeof OUT) => top({ dig, unknown }, labels);

export const OWNERS: Record<string, Expectation> = {
  capture_owners_asked_total: count(2),
  capture_owners_unknown_total: all(count(1, { reason: "gone" }), count(1)),
  net_top_processes_packets: all(both(2, 1, OUT), both(2, 1, IN)),
  net_top_processes_bytes: all(both(2 * asked, asked, OUT), both(2 * answered, answered, IN)),
  net_top_processes_requests: both(2, 1, OUT),
};
