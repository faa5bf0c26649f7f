/** TLS messages of a capture by figure, as tshark counted them and as round trips show them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Core } from "../../engine/core";
import { corpusRows } from "./corpus";
import type { Figure } from "./messages";
import { ROOT } from "./repository";
import { coreModule, readRoundTrips } from "./round-trips";
import { tsharkFields } from "./tshark";

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

/** What a HelloRetryRequest has for its random (RFC 8446 section 4.1.3). */
const RETRY_RANDOM = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c";
const ANSWER_FIELDS = ["version", "extensions.supported_version", "ciphersuite", "extensions_alpn_str", "ja3s", "random"];

/** The server hellos that tshark shows, a line each: version, cipher, ALPN, JA3S. */
export function tsharkAnswers(file: Uint8Array): string[] {
  const names = ANSWER_FIELDS.map((name) => `tls.handshake.${name}`);
  return tsharkFields(file, names, ["-Y", "tls.handshake.type==2"])
    .filter(([version, , , , , random]) => version !== "" && random !== RETRY_RANDOM)
    .map(([version, supported, cipher, alpn, ja3s]) => {
      // Drafts of TLS 1.3 count as it.
      const chosen = (supported || version || "").replace(/^0x7f../, "0x0304");
      return [chosen, cipher, alpn, ja3s].join(" ");
    })
    .sort();
}

/** The same of all captures, as they are stored. */
export function storedAnswers(): Map<string, string[]> {
  const answers = new Map<string, string[]>();
  const [, ...lines] = readFileSync(join(ROOT, "test/corpus/tls-answers.tsv"), "utf8").trimEnd().split("\n");
  for (const [file = "", ...cells] of lines.map((line) => line.split("\t"))) {
    answers.set(file, [...(answers.get(file) ?? []), cells.join(" ")].sort());
  }
  return answers;
}

/** The same of our round trips. */
export function ourAnswers(file: Uint8Array): string[] {
  return readRoundTrips(file)
    .filter(({ protocol, response }) => protocol === "tls" && response?.cipher !== undefined)
    .map(({ response }) => {
      const { version, cipher, alpn = "", ja3s } = response!;
      return [numberOf("version", version), numberOf("cipher", cipher), alpn, ja3s].join(" ");
    })
    .sort();
}

/** The number behind a field's name, as tshark writes it. */
function numberOf(field: string, value: unknown): string {
  const { fields = [] } = new Core(coreModule()).schema.protocols.find(({ name }) => name === "tls") ?? {};
  const { names = "" } = fields.find(({ side, name }) => side === "response" && name === field) ?? {};
  const pair = names.split(",").find((part) => part.split("=")[1] === value);
  return `0x${Number(pair?.split("=")[0] ?? value)
    .toString(16)
    .padStart(4, "0")}`;
}
