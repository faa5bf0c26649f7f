/** TLS messages of a capture by figure, as tshark counted them and as round trips show them. */
import { corpusRows } from "./corpus";
import type { Figure } from "./messages";
import { readRoundTrips } from "./round-trips";

/** One capture of truth.ndjson. */
interface TruthRow {
  file: string;
  tshark_rc: number;
  by: Record<string, Figure>;
  tls_sni?: Figure;
  tls_ja3?: Figure;
  frames_by_protocol: Record<string, number>;
}

/** What is compared of one capture. */
export interface TlsFigures {
  names: Figure;
  ja3: Figure;
}

/** Layers below TLS over which tshark's figures are those of TLS over TCP alone. */
const LAYERS = new Set(
  (
    "eth ethertype vlan ip ipv6 tcp tls sll null raw ppp x509sat x509ce x509if pkix1explicit pkix1implicit http http2 data " +
    "data-text-lines dns udp arp icmp icmpv6 ntp mdns llmnr nbns ssdp dhcp dhcpv6 igmp json media image-gif png image-jfif xml " +
    "urlencoded-form tcp.segments ocsp smb2 nbss browser smb mailslot lldp stp llc cldap ldap kerberos"
  ).split(" "),
);

/** The captures that hold TLS over TCP in layers that the core reads, and nothing that tshark reads TLS in elsewhere. */
export function tlsRows(): { file: string; expected: TlsFigures }[] {
  return corpusRows<TruthRow>("truth.ndjson")
    .filter(({ tshark_rc, by, frames_by_protocol: layers }) => {
      return (
        tshark_rc === 0 &&
        by["tls.handshake.type"]?.["1"] !== undefined &&
        Object.keys(layers).every((layer) => LAYERS.has(layer))
      );
    })
    .map((row) => ({ file: row.file, expected: { names: row.tls_sni ?? {}, ja3: row.tls_ja3 ?? {} } }));
}

/** The same figures of our round trips. */
export function tlsFiguresOf(file: Uint8Array): TlsFigures {
  const figures: TlsFigures = { names: {}, ja3: {} };
  for (const { protocol, request, response } of readRoundTrips(file)) {
    if (protocol !== "tls" || !request) continue;
    // A client that was asked to retry sent its hello twice.
    const hellos = response?.helloRetry ? 2 : 1;
    for (const [figure, value] of [
      [figures.names, request.serverName],
      [figures.ja3, request.ja3],
    ] as const) {
      if (value !== undefined) figure[String(value)] = (figure[String(value)] ?? 0) + hellos;
    }
  }
  return figures;
}
