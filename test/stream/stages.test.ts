/** Stages: which interfaces a request and its response passed, and when; what is not known to be the same packet is none. */
import { describe, expect, test } from "vitest";
import { Laws } from "../support/core-laws";
import {
  type Captured,
  Conversation,
  dnsQuery,
  dnsResponse,
  ethernet,
  ipv4,
  pcap,
  START_NS,
  udp,
  vlan,
} from "../support/pcap-builder";
import { numbers } from "../support/record-lengths";
import { readRoundTrips } from "../support/round-trips";
import { passing, type Shown, severalInterfaces, stagedTrips } from "../support/several-interfaces";

const REQUEST = "GET /stages HTTP/1.1\r\nhost: a.example\r\n\r\n";
const answer = (bytes: number) => `HTTP/1.1 200 OK\r\ncontent-length: ${bytes}\r\n\r\n${"x".repeat(bytes)}`;

/** A conversation of `trips` round trips, and which side sent each packet. */
function talk(trips: number, form: ConstructorParameters<typeof Conversation>[0] = {}, bytes = 10, segment = 1448) {
  const conversation = new Conversation({ stepNs: 1_000_000n, ...form }).open();
  for (let trip = 0; trip < trips; trip++) conversation.send("client", REQUEST).send("server", answer(bytes), segment);
  return conversation.close().packets;
}

const isFromServer = ({ bytes }: Captured) => bytes[29] === 2;

/** Each packet on three interfaces, the server's the other way round. */
function throughThree(packets: readonly Captured[], stepNs = 1000n): Shown[] {
  return packets.flatMap((packet) => passing(packet, isFromServer(packet) ? [2, 1, 0] : [0, 1, 2], stepNs));
}

/** The same file with interfaces that show nothing twice. */
const alone = (packets: readonly Captured[]) =>
  severalInterfaces(
    packets.map((packet) => ({ ...packet, id: 0 })),
    3,
  );

const withoutStages = (trips: ReturnType<typeof stagedTrips>) => trips.map(({ stages: _, ...trip }) => trip);

/** The stages of `throughThree`. */
const THROUGH_THREE = [
  { interface: 0, requestNs: 0, responseNs: 1_002_000 },
  { interface: 1, requestNs: 1000, responseNs: 1_001_000 },
  { interface: 2, requestNs: 2000, responseNs: 1_000_000 },
];

describe("stages", () => {
  test("a request and its response through three interfaces", () => {
    const trips = stagedTrips(severalInterfaces(throughThree(talk(3)), 3));
    expect(trips).toHaveLength(3);
    for (const trip of trips) {
      expect(trip.durationNs).toBe(1_000_000);
      expect(trip.stages).toEqual(THROUGH_THREE);
    }
  });

  test("a long response pushes nothing out", () => {
    const [trip] = stagedTrips(severalInterfaces(throughThree(talk(1, {}, 100_000)), 3));
    expect(trip!.stages?.map(({ responseNs }) => responseNs)).toEqual([1_002_000, 1_001_000, 1_000_000]);
  });

  test("datagrams", () => {
    const query = ethernet(ipv4(udp(dnsQuery("a.example", { id: 7 }), { destinationPort: 53 }), { id: 5 }));
    const response = ethernet(
      ipv4(udp(dnsResponse("a.example", { id: 7 }), { sourcePort: 53, destinationPort: 40000 }), {
        source: "192.0.2.2",
        destination: "192.0.2.1",
        id: 9,
      }),
    );
    const shown = [
      ...passing({ timeNs: START_NS, bytes: query }, [4, 1], 700n),
      ...passing({ timeNs: START_NS + 500_000n, bytes: response }, [1, 4], 300n),
    ];
    const [trip, ...more] = stagedTrips(severalInterfaces(shown, 5));
    expect(more).toEqual([]);
    expect(trip!.stages).toEqual([
      { interface: 4, requestNs: 0, responseNs: 500_300 },
      { interface: 1, requestNs: 700, responseNs: 500_000 },
    ]);
  });

  test("a request that found no answer shows how far it came", () => {
    const packets = new Conversation().open().send("client", REQUEST).packets;
    const [trip] = stagedTrips(severalInterfaces(throughThree(packets), 3));
    expect(trip!.response).toBeUndefined();
    expect(trip!.stages).toEqual([
      { interface: 0, requestNs: 0 },
      { interface: 1, requestNs: 1000 },
      { interface: 2, requestNs: 2000 },
    ]);
  });

  test("tags of VLANs do not make it another packet", () => {
    const frame = (tag: boolean) => talk(1, { frame: (net) => ethernet(tag ? vlan(net, { id: 42 }) : net) });
    const tagged = frame(true);
    const shown = frame(false).flatMap((packet, index) => [
      { ...packet, id: 0 },
      { ...tagged[index]!, id: 1, timeNs: packet.timeNs + 50n },
    ]);
    const [trip] = stagedTrips(severalInterfaces(shown, 2));
    expect(trip!.stages).toEqual([
      { interface: 0, requestNs: 0, responseNs: 1_000_000 },
      { interface: 1, requestNs: 50, responseNs: 1_000_050 },
    ]);
  });
});

describe("names", () => {
  const namesIn = (file: Uint8Array) => stagedTrips(file).map(({ stages }) => stages?.map(({ name }) => name));

  test("are those that the file gives its interfaces", () => {
    const file = severalInterfaces(throughThree(talk(2)), 3, ["veth1", "br0"]);
    expect(namesIn(file)).toEqual(Array(2).fill(["veth1", "br0", undefined]));
  });

  test("stay those of their section", () => {
    const later = talk(1, { startNs: START_NS + 1_000_000_000n, clientPort: 40_001 });
    const file = Buffer.concat([
      severalInterfaces(throughThree(talk(1)), 3, ["veth1", "br0", "eth0"]),
      severalInterfaces(throughThree(later), 3, ["eth0", "vethé", "veth1"]),
    ]);
    expect(namesIn(file)).toEqual([
      ["veth1", "br0", "eth0"],
      ["eth0", "vethé", "veth1"],
    ]);
  });

  test("are cut where they are long, and the first 127 are kept", () => {
    const names = Array.from({ length: 130 }, (_, id) => (id === 0 ? "x".repeat(100) : `eth${id}`));
    const shown = talk(1).flatMap((packet) => passing(packet, [0, 126, 127, 129], 10n));
    expect(namesIn(severalInterfaces(shown, 130, names))).toEqual([["x".repeat(63), "eth126", undefined, undefined]]);
    expect(namesIn(severalInterfaces(shown, 130, [...names.slice(0, 127), "eth5", "", "eth126"]))).toEqual([
      ["x".repeat(63), "eth126", "eth5", "eth126"],
    ]);
  });
});

describe("what is no stage", () => {
  test("a packet that one interface shows twice", () => {
    const shown = talk(2).flatMap((packet) => passing(packet, [0, 0, 0], 100n));
    for (const trip of stagedTrips(severalInterfaces(shown, 3))) expect(trip.stages).toBeUndefined();
  });

  test("addresses that a translator changes on the way", () => {
    const inside = talk(2, { client: "10.0.0.5" });
    const outside = talk(2, { client: "192.0.2.9" });
    const shown = inside.flatMap((packet, index) => [
      { ...packet, id: 0 },
      { ...outside[index]!, id: 1, timeNs: packet.timeNs + 1000n },
    ]);
    const trips = stagedTrips(severalInterfaces(shown, 2));
    expect(trips).toHaveLength(4);
    for (const trip of trips) expect(trip.stages).toBeUndefined();
  });

  test.each([4, 6])("a request that is sent again and only then comes through, IPv%i", (version) => {
    const [client, server] = version === 4 ? ["192.0.2.1", "192.0.2.2"] : ["2001:db8::1", "2001:db8::2"];
    const conversation = new Conversation({ client: client!, server: server! }).open();
    const opening = conversation.packets.length;
    const sequence = conversation.next.client;
    conversation.send("client", REQUEST).packet("client", "P.", REQUEST, sequence).send("server", answer(5));
    const { packets } = conversation;
    const shown = packets.flatMap((packet, index) =>
      // The first one is lost between the interfaces.
      passing(packet, index === opening ? [0] : index > opening + 1 ? [1, 0] : [0, 1], 1000n),
    );
    const [trip] = stagedTrips(severalInterfaces(shown, 2));
    expect(trip!.status).toBe("ok");
    expect(trip!.stages?.every(({ requestNs }) => requestNs === undefined || requestNs === 0) ?? true).toBe(true);
  });

  test("another packet that comes much later", () => {
    const shown = talk(1, { stepNs: 1_000_000_000n }).flatMap((packet) => passing(packet, [0, 1], 150_000_000n));
    expect(stagedTrips(severalInterfaces(shown, 2))[0]!.stages).toBeUndefined();
  });
});

describe("everything else is as without them", () => {
  const many = Array.from({ length: 40 }, (_, index) =>
    talk(5, { clientPort: 41_000 + index, startNs: START_NS + BigInt(index) * 333_333n }, 3000),
  ).flat();

  test("round trips, and their order", () => {
    const file = severalInterfaces(throughThree(many), 3);
    const trips = stagedTrips(file);
    expect(trips.filter(({ stages }) => stages?.length === 3)).toHaveLength(200);
    expect(withoutStages(trips)).toEqual(readRoundTrips(file));
  });

  test("nothing is held, and no stage is there, where nothing is seen twice", () => {
    expect(stagedTrips(alone(many))).toEqual(readRoundTrips(alone(many)));
    expect(stagedTrips(pcap(many))).toEqual(readRoundTrips(pcap(many)));
  });

  test("a response that never comes by some interfaces is held no longer than 100 ms, and none is lost", () => {
    const shown = many.flatMap((packet) => passing(packet, isFromServer(packet) ? [2] : [0, 1, 2], 1000n));
    const file = severalInterfaces(shown, 3);
    const trips = stagedTrips(file);
    expect(withoutStages(trips)).toEqual(readRoundTrips(file));
    for (const { stages } of trips)
      expect(stages?.map(({ responseNs }) => responseNs !== undefined)).toEqual([false, false, true]);
  });

  test("more conversations than are remembered lose stages, never round trips", () => {
    // The first ones come one after the other, the others all at once.
    const startOf = (index: number) =>
      START_NS + (index < 500 ? BigInt(index) * 10_000_000n : 5_000_000_000n + BigInt(index) * 100n);
    const crowd = Array.from({ length: 4000 }, (_, index) =>
      talk(1, { clientPort: 10_000 + index, startNs: startOf(index) }, 600),
    ).flat();
    const file = severalInterfaces(throughThree(crowd), 3);
    const trips = stagedTrips(file);
    expect(withoutStages(trips)).toEqual(readRoundTrips(file));
    expect(trips.slice(0, 500).every(({ stages }) => stages !== undefined)).toBe(true);
    expect(trips.some(({ stages }) => stages === undefined)).toBe(true);
    for (const { stages } of trips) if (stages !== undefined) expect(stages).toEqual(THROUGH_THREE);
  });
});

describe("laws of the checked core", () => {
  const many = Array.from({ length: 20 }, (_, index) =>
    talk(4, { clientPort: 41_000 + index, startNs: START_NS + BigInt(index) * 333_333n }, 3000),
  ).flat();
  const file = severalInterfaces(throughThree(many), 3);
  const laws = new Laws();

  test("whole = any chunks, and whatever keys the tables", () => {
    const whole = laws.run(file);
    for (let round = 1; round <= 4; round++) {
      const next = numbers(round);
      expect(laws.run(file, { chunk: () => 1 + next(3000 * round), secret: BigInt(next(1 << 30)) })).toEqual(whole);
    }
  });

  test("cut anywhere, and whatever lies in free memory", () => {
    const next = numbers(5);
    for (let turn = 0; turn < 10; turn++) laws.keptBy("stages", file.subarray(0, next(file.length + 1)), [0x45, 0x00]);
  });

  test("lost, doubled, late and changed records", () => {
    const next = numbers(6);
    for (let turn = 0; turn < 20; turn++) {
      const shown = throughThree(many)
        .filter(() => next(20) !== 0)
        .flatMap((packet) =>
          next(20) === 0 ? [packet, { ...packet, timeNs: packet.timeNs + BigInt(next(300_000_000)) }] : [packet],
        )
        .map((packet) => (next(30) === 0 ? { ...packet, bytes: changed(packet.bytes, next(packet.bytes.length)) } : packet));
      const damaged = severalInterfaces(shown, 3);
      laws.keptBy("damaged", damaged, [0x00, 0xff]);
      expect(withoutStages(stagedTrips(damaged))).toEqual(readRoundTrips(damaged));
    }
  });
});

function changed(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at]! ^= 0x5a;
  return copy;
}
