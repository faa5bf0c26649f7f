/**
 * Traffic of many hosts for captures that are shared out among threads: DNS and HTTP between them, plain and in tunnels whose ends differ
 * with direction, responses in fragments, queries to multicast groups, and packets that are no IP.
 */
import {
  address,
  type Captured,
  Conversation,
  dnsMessage,
  dnsQuery,
  dnsResponse,
  ethernet,
  FLAG,
  geneve,
  gre,
  ipv4,
  ipv6,
  ipv6Fragment,
  type Layer,
  pcap,
  raw,
  START_NS,
  TYPE,
  udp,
  vlan,
  vxlan,
} from "./pcap-builder";
import { Random } from "./traffic";

const SECOND_NS = 1_000_000_000;
const FRAGMENT_BYTES = 512;

/** A way to wrap an IP packet into a frame; `back` is that of what comes back. */
type Wrap = (net: Layer, back: boolean) => Uint8Array;

/** Traffic that depends on a seed. */
export interface ManyHosts {
  seed: number;
  /** Conversations, and over how many seconds they begin. */
  conversations: number;
  seconds: number;
}

class Writer {
  readonly packets: Captured[] = [];
  private readonly random: Random;

  constructor({ seed }: ManyHosts) {
    this.random = new Random(seed);
  }

  conversation(seconds: number): void {
    const { random } = this;
    const startNs = START_NS + BigInt(Math.floor(random.next() * seconds * SECOND_NS));
    const kind = random.below(10);
    if (kind < 3) this.lookup(startNs);
    else if (kind < 7) this.requests(startNs);
    else if (kind === 7) this.answerInPieces(startNs);
    else if (kind === 8) this.multicast(startNs);
    else this.put(startNs, ethernet(raw(new Uint8Array(28), { etherType: 0x0806 })));
  }

  private put(timeNs: bigint, bytes: Uint8Array): void {
    this.packets.push({ timeNs, bytes });
  }

  /** Two hosts, of IPv4 or IPv6. */
  private hosts(): { client: string; server: string; net: typeof ipv4 | typeof ipv6 } {
    const { random } = this;
    if (random.below(3) === 0)
      return { client: `2001:db8::${1 + random.below(200)}`, server: `2001:db8:1::${1 + random.below(4)}`, net: ipv6 };
    return { client: `192.0.2.${1 + random.below(200)}`, server: `198.51.100.${1 + random.below(4)}`, net: ipv4 };
  }

  /** A frame of its own or in a tunnel, of which each packet may take other ends. */
  private wrap(): Wrap {
    const { random } = this;
    const [here, there] = [`10.0.0.${1 + random.below(4)}`, `10.0.1.${1 + random.below(4)}`];
    const ends = (back: boolean) =>
      back ? { source: `10.0.1.${1 + random.below(4)}`, destination: here } : { source: here, destination: there };
    const ports = () => ({ sourcePort: 49152 + random.below(16384) });
    switch (random.below(7)) {
      case 0:
        return (net) => ethernet(vlan(net, { id: 7 }));
      case 1:
        return (net, back) => ethernet(ipv4(udp(vxlan(ethernet(net)), { ...ports(), destinationPort: 4789 }), ends(back)));
      case 2:
        return (net, back) => ethernet(ipv4(udp(geneve(ethernet(net)), { ...ports(), destinationPort: 6081 }), ends(back)));
      case 3:
        return (net, back) => ethernet(ipv4(gre(net, { key: 9 }), ends(back)));
      case 4:
        return (net, back) => ethernet(ipv4(net, ends(back)));
      default:
        return (net) => ethernet(net);
    }
  }

  private name(): string {
    return `n${this.random.skewed(40)}.example.com`;
  }

  private lookup(startNs: bigint): void {
    const { client, server, net } = this.hosts();
    const wrap = this.wrap();
    const sourcePort = 20_000 + this.random.below(20_000);
    const [id, name] = [this.random.below(65_536), this.name()];
    this.put(startNs, wrap(net(udp(dnsQuery(name, { id }), { sourcePort }), { source: client, destination: server }), false));
    if (this.random.below(8) === 0) return;
    const answer = udp(dnsResponse(name, { id, rcode: this.random.below(5) === 0 ? 3 : 0 }), {
      sourcePort: 53,
      destinationPort: sourcePort,
    });
    this.put(
      startNs + BigInt(1 + this.random.below(300_000_000)),
      wrap(net(answer, { source: server, destination: client }), true),
    );
  }

  private requests(startNs: bigint): void {
    const { client, server } = this.hosts();
    const wrap = this.wrap();
    const clientPort = 20_000 + this.random.below(20_000);
    let isBack = false;
    const frame = (net: Layer) => wrap(net, isBack);
    const talk = new Conversation({ client, server, clientPort, startNs, stepNs: 3_000_000n, frame }).open();
    for (let count = 1 + this.random.below(5); count > 0; count--) {
      isBack = false;
      talk.send("client", `GET /p${this.random.below(3)} HTTP/1.1\r\nHost: h${this.random.below(9)}\r\n\r\n`);
      isBack = true;
      const body = "x".repeat(this.random.below(4000));
      const status = this.random.below(6) === 0 ? 500 : 200;
      talk.send("server", `HTTP/1.1 ${status} OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`, 1400);
      talk.wait(BigInt(this.random.below(900_000_000)));
    }
    this.packets.push(...talk.close().packets);
  }

  /** A query, and an answer in fragments of which only the first has ports. */
  private answerInPieces(startNs: bigint): void {
    const { client, server, net } = this.hosts();
    const [id, name, sourcePort] = [this.random.below(65_536), this.name(), 20_000 + this.random.below(20_000)];
    this.put(startNs, ethernet(net(udp(dnsQuery(name, { id }), { sourcePort }), { source: client, destination: server })));
    const answers = Array.from({ length: 60 }, (_, last) => ({ name, type: TYPE.A, data: [192, 0, 2, last] }));
    const message = dnsMessage({ id, flags: FLAG.response, questions: [{ name }], answers });
    const ends = { source: address(server), destination: address(client) };
    const datagram = udp(message, { sourcePort: 53, destinationPort: sourcePort }).encode(ends);
    const form = { source: server, destination: client, id };
    for (let from = 0; from < datagram.length; from += FRAGMENT_BYTES) {
      const piece = raw(datagram.subarray(from, from + FRAGMENT_BYTES), { protocol: 17 });
      const more = from + FRAGMENT_BYTES < datagram.length;
      const packet =
        net === ipv4
          ? ipv4(piece, { ...form, fragmentOffset: from, moreFragments: more })
          : ipv6(ipv6Fragment(piece, { offset: from, more, id }), { source: server, destination: client });
      this.put(startNs + BigInt(from * 1000), ethernet(packet));
    }
  }

  /** A query of multicast DNS, which several hosts answer. */
  private multicast(startNs: bigint): void {
    const { random } = this;
    const ports = { sourcePort: 5353, destinationPort: 5353 };
    const [name, group] = [`_s${random.below(5)}._tcp.local`, { destination: "224.0.0.251" }];
    const ask = udp(dnsMessage({ id: 0, questions: [{ name, type: TYPE.PTR }] }), ports);
    this.put(startNs, ethernet(ipv4(ask, { source: `192.0.2.${1 + random.below(200)}`, ...group })));
    for (let count = random.below(4); count > 0; count--) {
      const answers = [{ name, type: TYPE.A, data: [192, 0, 2, count] }];
      const answer = udp(dnsMessage({ id: 0, flags: FLAG.response | FLAG.authoritative, answers }), ports);
      const source = `192.0.2.${1 + random.below(200)}`;
      this.put(startNs + BigInt(count * 1_000_000), ethernet(ipv4(answer, { source, ...group })));
    }
  }
}

/** Packets of many hosts in the order of their times. */
export function manyHosts(traffic: ManyHosts): Captured[] {
  const writer = new Writer(traffic);
  for (let count = 0; count < traffic.conversations; count++) writer.conversation(traffic.seconds);
  return writer.packets.sort((a, b) => (a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : 0));
}

/** The same as a capture file. */
export function manyHostsCapture(traffic: ManyHosts): Uint8Array {
  return pcap(manyHosts(traffic), { nanoseconds: true });
}
