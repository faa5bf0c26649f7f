/**
 * The common words of tcpdump's filters: what libpcap understands by them, and nothing of what else it knows.
 *
 * Source: pcap-filter(7). `and` and `or` bind alike, from the left; what stands before an address or a number holds for those that follow
 * without it: `port 80 or 443`.
 */
import { parseNetwork } from "../../../engine/settings";
import { reasonOf } from "../../failure";
import { Words } from "./words";

/** Which side of a packet is meant. */
export type Side = "either" | "both" | "src" | "dst";

/** A network or one address: 16 bytes (IPv4 as ::ffff:a.b.c.d) and the length of the prefix in their 128 bits. */
export interface Network {
  isIpv4: boolean;
  bytes: readonly number[];
  prefix: number;
}

/** What is asked of a packet. */
export type Expression =
  | { is: "all" | "any"; of: Expression[] }
  | { is: "not"; of: Expression }
  /** A protocol by its name, as it stands alone. */
  | { is: "protocol"; name: string }
  | { is: "host"; protocol: string | undefined; side: Side; network: Network }
  | { is: "port"; protocol: string | undefined; side: Side; least: number; most: number }
  /** A number of the IP header; of either version unless one is named. */
  | { is: "proto"; protocol: string | undefined; number: number }
  | { is: "length"; least: number; most: number };

type Kind = "host" | "net" | "port" | "portrange" | "proto";

/** What stands before an address or a number. */
interface Qualifiers {
  protocol: string | undefined;
  side: Side;
  kind: Kind;
}

/** Names that stand alone. */
const PROTOCOLS = ["ip", "ip6", "arp", "rarp", "tcp", "udp", "sctp", "icmp", "icmp6", "igmp", "pim", "ah", "esp"];
const KINDS: readonly string[] = ["host", "net", "port", "portrange", "proto"];
/** What may stand before each kind. */
const PROTOCOLS_OF: Record<Kind, readonly string[]> = {
  host: ["ip", "ip6", "arp", "rarp"],
  net: ["ip", "ip6", "arp", "rarp"],
  port: ["tcp", "udp", "sctp"],
  portrange: ["tcp", "udp", "sctp"],
  proto: ["ip", "ip6"],
};
/** Numbers of protocols whose names may stand behind `proto`, a backslash before them. */
const NUMBERS: Record<string, number> = { icmp: 1, igmp: 2, tcp: 6, udp: 17, esp: 50, ah: 51, pim: 103, sctp: 132 };
/** A name, of which libpcap knows what it stands for; an address of IPv6 begins so too. */
const NAME = /^\\?[A-Za-z_][^:]*$/;
const PORT_MAX = 65_535;
const PROTO_MAX = 255;
const BYTES_MAX = 0xffff_ffff;
const NESTED_MAX = 100;

/** Reads a filter; undefined where it is empty, which takes everything. Throws Failure, which shows the place of a fault. */
export function parseFilter(text: string): Expression | undefined {
  const parser = new Parser(new Words(text));
  return parser.whole();
}

class Parser {
  /** What holds for an address or a number that stands alone. */
  private qualifiers: Qualifiers | undefined;
  private nested = 0;

  constructor(private readonly words: Words) {}

  whole(): Expression | undefined {
    if (this.words.peek() === "") return undefined;
    const expression = this.expression();
    if (this.words.peek() === "") return expression;
    throw this.words.peek() === ")"
      ? this.words.fault("no parenthesis is open here")
      : this.words.fault(`"${this.words.peek()}" follows without and or or`);
  }

  private expression(): Expression {
    let left = this.term();
    while (true) {
      const word = this.words.takeIf("and", "&&", "or", "||");
      if (word === undefined) return left;
      const is = word === "and" || word === "&&" ? "all" : "any";
      const right = this.term();
      left = left.is === is ? { is, of: [...left.of, right] } : { is, of: [left, right] };
    }
  }

  private term(): Expression {
    if (this.words.takeIf("not", "!")) return this.deeper(() => ({ is: "not", of: this.term() }));
    if (this.words.takeIf("(") === undefined) return this.primitive();
    const inner = this.deeper(() => this.expression());
    if (this.words.takeIf(")")) return inner;
    const next = this.words.peek();
    throw this.words.fault(next === "" ? "a parenthesis is not closed" : `"${next}" follows without and or or`);
  }

  private deeper(parse: () => Expression): Expression {
    this.nested += 1;
    if (this.nested > NESTED_MAX) throw this.words.fault(`more than ${NESTED_MAX} parentheses and nots in each other`);
    const expression = parse();
    this.nested -= 1;
    return expression;
  }

  private primitive(): Expression {
    const word = this.words.peek();
    if (word === "less" || word === "greater") return this.length();
    if (PROTOCOLS.includes(word)) return this.protocol();
    if (word === "src" || word === "dst" || KINDS.includes(word)) return this.head();
    if (this.qualifiers !== undefined && /^\\?[\w:]/.test(word)) return this.operand(this.qualifiers);
    if (word === "") throw this.words.fault("something is missing here");
    if (NAME.test(word)) throw this.words.beyond(word);
    throw this.words.fault(`"${word}" stands where host, net, port, a protocol or the like is wanted`);
  }

  /** A protocol alone, or before what is asked of its packets. */
  private protocol(): Expression {
    const { text: name, place } = this.words.take();
    const next = this.words.peek();
    if (next === "src" || next === "dst" || KINDS.includes(next)) return this.head(name, place);
    this.qualifiers = undefined;
    return { is: "protocol", name };
  }

  private length(): Expression {
    const { text: word } = this.words.take();
    const bytes = this.number("a number of bytes", BYTES_MAX);
    this.qualifiers = undefined;
    return word === "less" ? { is: "length", least: 0, most: bytes } : { is: "length", least: bytes, most: BYTES_MAX };
  }

  /** Side and kind, and what follows them. */
  private head(protocol?: string, place = this.words.place): Expression {
    const given = this.side();
    const word = this.words.peek();
    const kind = KINDS.includes(word) ? (this.words.take().text as Kind) : "host";
    if (protocol !== undefined && !PROTOCOLS_OF[kind].includes(protocol))
      throw this.words.fault(`${protocol} does not go before ${kind}; ${PROTOCOLS_OF[kind].join(", ")} do`, place);
    if (kind === "proto" && given !== undefined) throw this.words.fault("proto has no side", place);
    const qualifiers: Qualifiers = { protocol, side: given ?? "either", kind };
    this.qualifiers = qualifiers;
    const next = this.words.peek();
    return next === "(" || next === "not" || next === "!" ? this.term() : this.operand(qualifiers);
  }

  private side(): Side | undefined {
    const first = this.words.takeIf("src", "dst");
    if (first === undefined) return undefined;
    const other = first === "src" ? "dst" : "src";
    if (this.words.peek(1) !== other) return first as Side;
    const word = this.words.takeIf("or", "||", "and", "&&");
    if (word === undefined) return first as Side;
    this.words.take();
    return word === "or" || word === "||" ? "either" : "both";
  }

  private operand(qualifiers: Qualifiers): Expression {
    const { protocol, side, kind } = qualifiers;
    if (kind !== "proto" && NAME.test(this.words.peek())) throw this.words.beyond(this.words.peek());
    switch (kind) {
      case "host":
      case "net":
        return { is: "host", protocol, side, network: this.network(kind, protocol) };
      case "port": {
        const port = this.number("a number of a port", PORT_MAX);
        return { is: "port", protocol, side, least: port, most: port };
      }
      case "portrange":
        return { is: "port", protocol, side, ...this.range() };
      case "proto":
        return { is: "proto", protocol, number: this.protocolNumber() };
    }
  }

  private range(): { least: number; most: number } {
    const [, first = "", last = first] = /^(\d+)(?:-(\d+))?$/.exec(this.words.peek()) ?? [];
    const ports = [first, last].map((text) => numberOf(text, PORT_MAX));
    if (ports.includes(-1)) throw this.words.fault(`portrange takes two numbers to ${PORT_MAX}, as 6000-6008`);
    this.words.take();
    return { least: Math.min(...ports), most: Math.max(...ports) };
  }

  private protocolNumber(): number {
    const number = NUMBERS[/^\\?(\w+)$/.exec(this.words.peek())?.[1] ?? ""];
    if (number === undefined)
      return this.number(`a number of a protocol, or one of \\${Object.keys(NUMBERS).join(", \\")}`, PROTO_MAX);
    this.words.take();
    return number;
  }

  private number(what: string, most: number): number {
    const value = numberOf(this.words.peek(), most);
    if (value < 0) throw this.words.fault(`here is wanted ${what}${/^\d+$/.test(this.words.peek()) ? `, at most ${most}` : ""}`);
    this.words.take();
    return value;
  }

  private network(kind: "host" | "net", protocol: string | undefined): Network {
    const word = this.words.peek();
    if (word === "") throw this.words.fault(`the address of a ${kind} is missing`);
    if (kind === "host" && word.includes("/")) throw this.words.fault(`a host has no prefix: write net ${word}`);
    const mask = kind === "net" && this.words.peek(1) === "mask" ? this.words.peek(2) : undefined;
    const network = this.read(kind, word, mask);
    const { isIpv4 } = network;
    if (protocol !== undefined && isIpv4 === (protocol === "ip6")) throw this.words.fault(`${word} is no address of ${protocol}`);
    if (!isWhole(network)) throw this.words.fault(`${word} has bits behind its prefix: they must be 0`);
    for (let taken = 0; taken < (mask === undefined ? 1 : 3); taken++) this.words.take();
    return network;
  }

  private read(kind: string, word: string, mask: string | undefined): Network {
    const isIpv4 = !word.includes(":");
    const [address = "", prefix] = word.split("/");
    const parts = address.split(".").length;
    if (isIpv4 && parts === 1 && (kind === "host" || prefix !== undefined || Number(word) === 0))
      throw this.words.fault(`${word} is no address; write it as 192.0.2.1`);
    const whole = isIpv4 ? address + ".0".repeat(Math.max(0, 4 - parts)) : address;
    const own = mask !== undefined ? this.maskBits(mask) : (prefix ?? (isIpv4 ? String(8 * parts) : "128"));
    try {
      const bytes = parseNetwork(`${whole}/${own}`);
      return { isIpv4, bytes: bytes.slice(0, 16), prefix: bytes[16]! };
    } catch (error) {
      throw this.words.fault(reasonOf(error).replace(`${whole}/${own}`, word));
    }
  }

  /** The length of the prefix that a mask stands for. */
  private maskBits(mask: string): string {
    const bits = mask.split(".").map((part) => (/^\d{1,3}$/.test(part) ? Number(part).toString(2).padStart(8, "0") : "x"));
    if (bits.length !== 4 || !/^1*0*$/.test(bits.join("")) || bits.join("").length !== 32)
      throw this.words.fault(`"${mask}" is no mask of a prefix; write it as 255.255.0.0`);
    return String(bits.join("").replaceAll("0", "").length);
  }
}

/** A number that is written as one; -1 for what is none, or more than `most`. */
function numberOf(text: string, most: number): number {
  return /^(0|[1-9]\d{0,9})$/.test(text) && Number(text) <= most ? Number(text) : -1;
}

/** Whether there are no bits behind the prefix. */
function isWhole({ bytes, prefix }: Network): boolean {
  return bytes.every((byte, index) => (byte & (0xff >> Math.min(8, Math.max(0, prefix - 8 * index)))) === 0);
}
