/** The machine of packet filters: programs made by chance do what the rules of classic BPF say, and what is no program is refused. */
import fc from "fast-check";
import { expect, test } from "vitest";
import core from "../../build/core.checked.wasm";
import module from "../../build/test/packet-filter.wasm";
import { Core, CoreError, type PacketFilter } from "../../engine/core";
import { MinuteSum } from "../../engine/summary";
import { type Bpf, CODES, isBpf, runBpf } from "../support/bpf";
import { instantiate } from "../support/instantiate";
import { ethernet, ipv4, join, LINK, loopback, Pcapng, pcap, spaced, udp } from "../support/pcap-builder";

interface Exports {
  memory: WebAssembly.Memory;
  programStart(): number;
  packetStart(): number;
  accepts(length: number): number;
  takes(captured: number, wire: number): number;
}

const machine = instantiate<Exports>(module);

function encode(program: readonly Bpf[]): Uint8Array {
  const bytes = new Uint8Array(8 * program.length);
  const view = new DataView(bytes.buffer);
  for (const [place, { code, jumpTrue, jumpFalse, k }] of program.entries()) {
    view.setUint16(8 * place, code, true);
    view.setUint8(8 * place + 2, jumpTrue);
    view.setUint8(8 * place + 3, jumpFalse);
    view.setUint32(8 * place + 4, k, true);
  }
  return bytes;
}

const put = (at: number, bytes: Uint8Array) => new Uint8Array(machine.memory.buffer).set(bytes, at);

const k = fc.oneof(fc.nat(20), fc.nat(80), fc.nat(0xffffffff), fc.constantFrom(0, 1, 31, 32, 0xfffffff0, 0xffffffff));
const jump = fc.oneof(fc.nat(3), fc.nat(255));
const code = fc.oneof({ weight: 30, arbitrary: fc.constantFrom(...CODES.keys()) }, fc.nat(0xffff), fc.nat(0xff));
const instruction: fc.Arbitrary<Bpf> = fc.record({ code, jumpTrue: jump, jumpFalse: jump, k });
const last: fc.Arbitrary<Bpf> = fc.record({
  code: fc.constantFrom(0x06, 0x16, 0x16, 0x20),
  jumpTrue: fc.constant(0),
  jumpFalse: fc.constant(0),
  k,
});

/** The same program with jumps and places in memory that stay inside, so that most of those made by chance can be run. */
function tamed(program: readonly Bpf[]): Bpf[] {
  return program.map((one, place) => {
    const left = Math.max(1, program.length - 1 - place);
    const isJump = (one.code & 7) === 5;
    const isMemory = ["st", "stx"].includes(CODES.get(one.code)?.[0] ?? "") || CODES.get(one.code)?.[1] === "mem";
    const k = isMemory ? one.k % 16 : one.code === 0x05 ? one.k % left : one.k;
    return isJump || isMemory ? { ...one, jumpTrue: one.jumpTrue % left, jumpFalse: one.jumpFalse % left, k } : one;
  });
}

test("runs programs as the rules say, on packets of any length", () => {
  let [run, taken] = [0, 0];
  fc.assert(
    fc.property(
      fc.array(instruction, { maxLength: 40 }),
      last,
      fc.boolean(),
      fc.array(fc.tuple(fc.uint8Array({ maxLength: 90 }), fc.nat(2000)), { minLength: 4, maxLength: 4 }),
      (body, end, isTamed, packets) => {
        const program = isTamed ? tamed([...body, end]) : [...body, end];
        put(machine.programStart(), encode(program));
        expect(machine.accepts(8 * program.length) !== 0).toBe(isBpf(program));
        if (!isBpf(program)) return;
        run += 1;
        for (const [packet, wire] of packets) {
          put(machine.packetStart(), packet);
          const wanted = runBpf(program, packet, wire) !== 0;
          expect(machine.takes(packet.length, wire) !== 0).toBe(wanted);
          taken += wanted ? 1 : 0;
        }
      },
    ),
    { numRuns: 20_000 },
  );
  expect(run).toBeGreaterThan(2000);
  expect(taken).toBeGreaterThan(1000);
});

test("takes no program that is too long, empty or not whole", () => {
  const nothing = { code: 0x06, jumpTrue: 0, jumpFalse: 0, k: 0 };
  put(machine.programStart(), encode(Array(4097).fill(nothing)));
  expect([0, 4, 8, 12, 8 * 4096, 8 * 4097].map((length) => machine.accepts(length))).toEqual([0, 0, 1, 0, 1, 0]);
});

/** A program that takes packets by their first byte. */
const beginsWith = (byte: number) =>
  encode([
    { code: 0x30, jumpTrue: 0, jumpFalse: 0, k: 0 },
    { code: 0x15, jumpTrue: 0, jumpFalse: 1, k: byte },
    { code: 0x06, jumpTrue: 0, jumpFalse: 0, k: 1 },
    { code: 0x06, jumpTrue: 0, jumpFalse: 0, k: 0 },
  ]);

/** Packets that a core takes of a file, which it is fed in pieces, and the link type of which it left some out. */
function read(file: Uint8Array, packetFilter: PacketFilter, pieceBytes = file.length) {
  const reader = new Core(core, { packetFilter, budgetBytes: 8 << 20 });
  const sum = new MinuteSum(reader);
  reader.drainTo({ bundle: (bytes) => sum.add(bytes.slice()) });
  const input = reader.open("file");
  for (let at = 0; at < file.length; at += pieceBytes) input.write(file.subarray(at, at + pieceBytes));
  input.end();
  const left = reader.unfilteredLinkType;
  reader.flush();
  return { packets: sum.summary().packets, left };
}

const packet = ipv4(udp("ab", { sourcePort: 9, destinationPort: 10 }));
const frames = [ethernet(packet), ethernet(packet)];

test("asks for one program a link type, in the order in which a file names them, however it is cut", () => {
  const beginning = (byte: number) => spaced([join([byte], frames[0]!.subarray(1))])[0]!;
  const blocks = new Pcapng();
  const file = join(
    blocks.section(),
    blocks.interface({ linkType: LINK.ethernet }),
    blocks.interface({ linkType: LINK.raw }),
    blocks.packet(beginning(0x45)),
    blocks.packet(beginning(0x45), { id: 1 }),
    blocks.packet(beginning(0x46), { id: 1 }),
  );
  for (const pieceBytes of [1, 7, 64, 3 * file.length]) {
    const asked: number[] = [];
    const filter: PacketFilter = (linkType) => {
      asked.push(linkType);
      return beginsWith(linkType === LINK.raw ? 0x46 : 0x45);
    };
    expect(read(join(file, file), filter, pieceBytes)).toEqual({ packets: 4, left: undefined });
    expect(asked).toEqual([LINK.ethernet, LINK.raw]);
  }
});

test("leaves out, and names, packets for which there is no program", () => {
  const file = pcap(spaced(frames), { linkType: LINK.ethernet });
  expect(read(file, () => undefined)).toEqual({ packets: 0, left: 1 });
  expect(read(file, () => encode([{ code: 0x06, jumpTrue: 0, jumpFalse: 0, k: 1 }]))).toEqual({ packets: 2, left: undefined });
});

test("knows the order of bytes in a loopback's header", () => {
  const of = (little: boolean) => pcap(spaced([loopback(packet, { little })]), { linkType: LINK.null, bigEndian: !little });
  const asked = (little: boolean) => {
    const types: number[] = [];
    read(of(little), (linkType) => {
      types.push(linkType);
      return undefined;
    });
    return types;
  };
  expect([asked(true), asked(false)]).toEqual([[LINK.null], [LINK.loop]]);
});

test("takes no program that is none, nor more than it has room for", () => {
  const file = pcap(spaced(frames));
  expect(() => read(file, () => new Uint8Array(8).fill(255))).toThrow(new CoreError("the packet filter is no program"));
  const long = encode(Array(4096).fill({ code: 0x06, jumpTrue: 0, jumpFalse: 0, k: 1 }));
  const blocks = new Pcapng();
  const three = [LINK.ethernet, LINK.raw, LINK.ipv4].map((linkType) => blocks.interface({ linkType }));
  expect(() => read(join(blocks.section(), ...three), () => long)).toThrow(new CoreError("the packet filter is too long"));
});
