/** Captures of DNS over many minutes, for edges that read them. */
import * as make from "./pcap-builder";

const MINUTE_NS = 60_000_000_000n;

/** What a capture holds. */
export interface ManyMinutes {
  startNs: bigint;
  minutes: number;
  queriesPerMinute: number;
  /** Numbers of its first client and name: captures may overlap. */
  first?: number;
}

/** DNS queries evenly over many minutes, each with its response a millisecond later. */
export function manyMinutes({ startNs, minutes, queriesPerMinute, first = 0 }: ManyMinutes): Uint8Array {
  const packets = [];
  for (let index = 0; index < minutes * queriesPerMinute; index++) {
    const number = first + index;
    const client = `10.${(number >> 14) & 63}.${(number >> 7) & 127}.${number & 127}`;
    const [there, back] = [
      { sourcePort: 1024 + (number % 60_000), destinationPort: 53 },
      { sourcePort: 53, destinationPort: 1024 + (number % 60_000) },
    ];
    const timeNs = startNs + (BigInt(index) * MINUTE_NS) / BigInt(queriesPerMinute);
    const name = `n${number % 997}.example`;
    const id = index & 0xffff;
    const query = make.ipv4(make.udp(make.dnsQuery(name, { id }), there), { source: client, destination: "192.0.2.53" });
    const response = make.ipv4(make.udp(make.dnsResponse(name, { id }), back), { source: "192.0.2.53", destination: client });
    packets.push({ timeNs, bytes: make.ethernet(query) }, { timeNs: timeNs + 1_000_000n, bytes: make.ethernet(response) });
  }
  return make.pcap(packets);
}
