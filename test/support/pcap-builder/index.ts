/**
 * Makes small captures for tests, from the capture file down to a DNS message, sharing nothing with the core.
 *
 * `pcap(spaced([ethernet(ipv4(udp(dnsQuery("example.com"), { destinationPort: 53 })))]))`
 */
export * from "./bytes";
export * from "./conversation";
export * from "./dns";
export * from "./file";
export * from "./layer";
export * from "./link";
export * from "./net";
export * from "./transport";
