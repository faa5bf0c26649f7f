/** Filters of the common words, made by chance of what occurs in a capture. */
import { isIPv6 } from "node:net";
import fc from "fast-check";
import type { namesIn } from "./tcpdump";

/** A filter of so many hosts, each of which takes instructions of its own. */
export function hosts(count: number): string {
  return Array.from({ length: count }, (_, place) => `host 10.${place >> 8}.${place & 255}.${(place * 7) % 250}`).join(" or ");
}

/** Filters for a capture in which these names occur. */
export function filtersFor({ hosts4, hosts6, ports }: ReturnType<typeof namesIn>): fc.Arbitrary<string> {
  const side = fc.constantFrom("", "", "src ", "dst ", "src or dst ", "src and dst ", "dst or src ");
  const host4 = fc.constantFrom(...hosts4, "192.0.2.77");
  const host6 = fc.constantFrom(...hosts6.filter((host) => isIPv6(host)), "2001:db8::77");
  const port = fc.oneof(fc.constantFrom(...ports, 53, 80), fc.nat(65_535)).map(String);
  const network4 = fc
    .tuple(host4, fc.nat(32))
    .map(([host, prefix]) => `${masked(host.split(".").map(Number), 8, prefix).join(".")}/${prefix}`);
  const network6 = fc.tuple(host6, fc.nat(128)).map(
    ([host, prefix]) =>
      `${masked(groupsOf(host), 16, prefix)
        .map((group) => group.toString(16))
        .join(":")}/${prefix}`,
  );
  const short = host4.map((host) => host.split(".").slice(0, 2).join("."));
  const transport = fc.constantFrom("", "", "tcp ", "udp ", "sctp ");
  const range = fc.tuple(port, port).map(([first, last]) => `${first}-${last}`);
  const words = (...parts: fc.Arbitrary<string>[]) => fc.tuple(...parts).map((all) => all.join(""));
  const text = (value: string) => fc.constant(value);
  const either = fc.constantFrom(" or ", " and ", " or ", " || ", " && ");

  const primitive = fc.oneof(
    fc.constantFrom("ip", "ip6", "arp", "rarp", "tcp", "udp", "sctp", "icmp", "icmp6", "igmp", "pim", "ah", "esp"),
    words(fc.constantFrom("", "ip ", "arp "), side, text("host "), host4),
    words(fc.constantFrom("src ", "dst ", "ip src ", "src or dst "), host4),
    words(fc.constantFrom("", "ip6 "), side, text("host "), host6),
    words(fc.constantFrom("", "ip ", "arp ", "rarp "), side, text("net "), fc.oneof(network4, short)),
    words(fc.constantFrom("", "ip6 "), side, text("net "), network6),
    words(transport, side, text("port "), port),
    words(transport, side, text("portrange "), fc.oneof(range, port)),
    words(
      fc.constantFrom("", "ip ", "ip6 "),
      text("proto "),
      fc.oneof(fc.nat(255).map(String), fc.constantFrom("\\tcp", "\\udp", "6", "17")),
    ),
    words(fc.constantFrom("less ", "greater "), fc.nat(1600).map(String)),
    words(text("port "), port, either, port),
    words(transport, side, text("port "), port, either, text("not "), port),
    words(side, text("host "), host4, either, host4),
    words(side, text("host ("), host4, either, host4, text(")")),
    words(text("host "), host4, either, fc.constantFrom("not ", "! ", "!"), host4),
  );
  const { whole } = fc.letrec<{ whole: string; term: string }>((tie) => ({
    term: fc.oneof(
      { weight: 5, arbitrary: primitive },
      words(fc.constantFrom("not ", "! ", "!"), primitive),
      words(fc.constantFrom("(", "not ("), tie("whole"), text(")")),
    ),
    whole: fc.oneof(
      { maxDepth: 4 },
      tie("term"),
      words(tie("term"), either, tie("term")),
      words(tie("whole"), either, tie("term")),
    ),
  }));
  return fc.oneof(primitive, whole);
}

/** Numbers of some bits each, with 0 behind a prefix. */
function masked(numbers: readonly number[], bits: number, prefix: number): number[] {
  return numbers.map((number, index) => {
    const kept = Math.min(bits, Math.max(0, prefix - bits * index));
    return number & ((2 ** bits - 1) & ~(2 ** (bits - kept) - 1));
  });
}

function groupsOf(address: string): number[] {
  const [left = [], right] = address.split("::").map((half) =>
    half
      .split(":")
      .filter(Boolean)
      .map((group) => Number.parseInt(group, 16)),
  );
  return right === undefined ? left : [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}
