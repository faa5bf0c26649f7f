import type { RoundTrip } from "../../engine/round-trip";

/** Addresses whose names are known at a time; those that were learned longest ago make room. */
const ADDRESSES_MAX = 16_384;
/** Names that lead to an address, one by another, at the most. */
const ALIASES_MAX = 16;
/** How long programs go on using an address after its time is over, ms. */
const GRACE_MS = 300_000;
/** RFC 2181, section 8: a time with its highest bit set is none. */
const TTL_MAX = 2 ** 31 - 1;

/** A row of `records` of a DNS response. */
type DnsRecord = Record<string, string | number>;

/** The names that were asked for, by the addresses that were answered, as DNS on the wire showed them. */
export class DnsNames {
  private readonly known = new Map<string, { name: string; untilMs: number }>();

  /** Addresses with a name. */
  get size(): number {
    return this.known.size;
  }

  /** Learns from a query and its response, which came at `atMs`; from nothing else. */
  learn({ request, response }: RoundTrip, atMs: number): void {
    const asked = nameOf(request?.name);
    const records = response?.records;
    if (asked === undefined || !Array.isArray(records)) return;
    const answers = (records as DnsRecord[]).filter(({ section }) => section === "answer");
    const { name, ttl } = followAliases(answers, asked);
    for (const record of answers) {
      if ((record.type !== "A" && record.type !== "AAAA") || nameOf(record.name) !== name) continue;
      this.put(String(record.data), asked, atMs + Math.min(ttl, ttlOf(record)) * 1000 + GRACE_MS);
    }
  }

  /** The name that was asked for last of those that led to an address which may still be used at `atMs`. */
  of(address: string, atMs: number): string | undefined {
    const known = this.known.get(address);
    return known !== undefined && atMs <= known.untilMs ? known.name : undefined;
  }

  private put(address: string, name: string, untilMs: number): void {
    // Taken out first, so that it is the youngest again.
    this.known.delete(address);
    this.known.set(address, { name, untilMs });
    if (this.known.size <= ADDRESSES_MAX) return;
    const [oldest] = this.known.keys();
    this.known.delete(oldest!);
  }
}

/** The name that a name stands for in the end, and how long all that led there holds, s. */
function followAliases(answers: readonly DnsRecord[], asked: string): { name: string; ttl: number } {
  let name = asked;
  let ttl = TTL_MAX;
  for (let left = ALIASES_MAX; left > 0; left--) {
    const alias = answers.find((record) => record.type === "CNAME" && nameOf(record.name) === name);
    const next = nameOf(alias?.data);
    if (alias === undefined || next === undefined) break;
    name = next;
    ttl = Math.min(ttl, ttlOf(alias));
  }
  return { name, ttl };
}

function ttlOf({ ttl }: DnsRecord): number {
  const seconds = Number(ttl);
  return seconds <= TTL_MAX ? seconds : 0;
}

/** A name in lower case, as letters of queries may be in any, without its last dot. */
function nameOf(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  return value.toLowerCase().replace(/(.)\.$/, "$1");
}
