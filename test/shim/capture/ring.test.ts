/** Rings of a kernel that refuses: what was goes on, and what is said is why. */
import { constants } from "node:os";
import { expect, test } from "vitest";
import type { LiveOptions } from "../../../shim/capture/live";
import type { Native, NativeSource } from "../../../shim/capture/native";
import { RingCapture, type RingFeed } from "../../../shim/capture/ring";
import { ringProgram } from "../../../shim/capture/ring-program";
import { Failure } from "../../../shim/failure";

const { ENETDOWN, ENODEV } = constants.errno;
const PATIENT = 1 << 20;

interface Ring {
  bound: number;
  isOpen: boolean;
  program: Uint8Array;
  fault: number;
}

/** A kernel with interfaces, whose sockets take programs of so many bytes; a closed one takes nothing. */
class Kernel {
  interfaces = [
    { name: "lo", index: 1 },
    { name: "eth0", index: 2 },
  ];
  readonly rings: Ring[] = [];
  /** Bytes of programs that the next rings' sockets take. */
  room: readonly number[] = [];
  isRefusing = false;
  /** No thread can be had that waits for packets. */
  isBusy = false;

  readonly native = {
    interfaces: () => this.interfaces,
    pcapVersion: () => undefined,
    openRing: (bound: number, _blockBytes: number, blocks: number, _retireMs: number, program: Uint8Array) => {
      // A probe has the fewest blocks that there can be.
      if (this.isRefusing && blocks > 2) throw new Error("its interface: No such device");
      const ring = { bound, isOpen: true, program, fault: 0 };
      if (blocks > 2) this.rings.push(ring);
      return ring;
    },
    setFilter: (ring: Ring, program: Uint8Array) => {
      if (!ring.isOpen) throw new Error("setFilter takes a ring and a program");
      if (program.length > (this.room[this.rings.indexOf(ring)] ?? PATIENT)) throw new Error("Cannot allocate memory");
      ring.program = program;
    },
    keep: (ring: Ring) => {
      if (!ring.isOpen) throw new Error("keep takes an open ring and two times");
    },
    fault: (ring: Ring) => {
      const { fault } = ring;
      // It says a fault once, but for an interface that has gone.
      if (fault !== ENODEV) ring.fault = 0;
      return fault;
    },
    share: () => 1,
    close: (ring: Ring) => {
      if (!ring.isOpen) throw new Error("close takes an open source");
      ring.isOpen = false;
    },
  };
}

/** A capture through a kernel's rings, and what it said. */
function captureOf(kernel: Kernel, options: Partial<LiveOptions>, rings = 1) {
  let open: readonly NativeSource[] = [];
  const native = kernel.native as unknown as Native;
  const feed: RingFeed = {
    open(sources) {
      if (kernel.isBusy) throw new Error("a thread: Resource temporarily unavailable");
      open = sources;
    },
    takeFault: () => open.map((source) => native.fault(source)).find((fault) => fault !== 0) ?? 0,
    push: () => {},
    drop: () => {
      for (const source of open) native.close(source);
      open = [];
    },
    end: async () => feed.drop(),
  };
  const said: string[] = [];
  const all = { interface: "any", ringBytes: 1 << 20, ...options };
  return { capture: new RingCapture(native, feed, all, (line) => said.push(line), rings), said };
}

const programs = (kernel: Kernel) => kernel.rings.map(({ program }) => Buffer.from(program).toString("hex"));

test.each([1, 2])("a filter that the kernel does not take changes none of %s rings", async (rings) => {
  const kernel = new Kernel();
  const { capture, said } = captureOf(kernel, { filter: "udp" }, rings);
  const before = programs(kernel);
  // The last one has no room for it.
  kernel.room = rings === 1 ? [300] : [PATIENT, 300];
  const longer = { interface: "any", filter: "udp port 1 or udp port 2 or udp port 3 or tcp port 4" };
  expect(() => capture.choose!(longer)).toThrow(new Failure("the kernel does not take this filter: Cannot allocate memory"));
  expect(programs(kernel)).toEqual(before);
  kernel.room = [];
  expect(capture.choose!(longer)).toBe(true);
  expect(programs(kernel)).not.toEqual(before);
  expect(said).toEqual([]);
  await capture.close();
});

test("one that waits says that it cannot begin, and lets nothing in", () => {
  const kernel = new Kernel();
  const { capture } = captureOf(kernel, { filter: "udp", waits: true });
  const nothing = programs(kernel);
  kernel.room = [100];
  const window = { fromMs: 0, untilMs: Number.POSITIVE_INFINITY };
  expect(() => capture.keep!(window)).toThrow(new Failure("the kernel does not take this filter: Cannot allocate memory"));
  expect(programs(kernel)).toEqual(nothing);
  kernel.room = [];
  capture.keep!(window);
  expect(programs(kernel)).not.toEqual(nothing);
});

test("interfaces that come and cannot be told apart are said once, and the others go on", () => {
  const kernel = new Kernel();
  const { capture, said } = captureOf(kernel, { interface: "eth*" });
  const before = programs(kernel);
  kernel.room = [kernel.rings[0]!.program.length];
  kernel.interfaces.push({ name: "eth1", index: 3 });
  for (let times = 0; times < 3; times++) capture.refresh();
  expect(programs(kernel)).toEqual(before);
  kernel.room = [];
  for (let times = 0; times < 3; times++) capture.refresh();
  expect(kernel.rings[0]!.program).toEqual(ringProgram({ interfaces: [2, 3] }));
  expect(said).toEqual([
    "interfaces that came are not captured on: the kernel does not take this filter: Cannot allocate memory",
    "capturing on 2 interfaces that are eth*",
  ]);
});

test("interfaces that the system cannot list have not gone", () => {
  const kernel = new Kernel();
  const { capture, said } = captureOf(kernel, { interface: "eth*" });
  const before = programs(kernel);
  const { interfaces } = kernel;
  kernel.interfaces = [];
  capture.refresh();
  expect(programs(kernel)).toEqual(before);
  kernel.interfaces = interfaces.slice(0, 1);
  capture.refresh();
  expect(kernel.rings[0]!.program).toEqual(ringProgram({ interfaces: [] }));
  expect(said).toEqual(["capturing on 0 interfaces that are eth*"]);
});

test("an interface that is back with the number that it had gets another ring, and one that was only down keeps its own", () => {
  const kernel = new Kernel();
  const { capture, said } = captureOf(kernel, { interface: "eth0" });
  kernel.rings[0]!.fault = ENETDOWN;
  for (let times = 0; times < 3; times++) capture.refresh();
  expect(kernel.rings).toHaveLength(1);
  kernel.rings[0]!.fault = ENODEV;
  for (let times = 0; times < 3; times++) capture.refresh();
  expect(kernel.rings.map(({ bound, isOpen }) => [bound, isOpen])).toEqual([
    [2, false],
    [2, true],
  ]);
  const turns = ["is gone or down; capturing goes on when it is back", "is back"].map((words) => `interface eth0 ${words}`);
  expect(said).toEqual([...turns, ...turns]);
});

test("while an interface comes and goes again, its filter can change, and what is closed stays so", async () => {
  const kernel = new Kernel();
  const { capture, said } = captureOf(kernel, { interface: "eth0" });
  kernel.rings[0]!.fault = ENODEV;
  capture.refresh();
  kernel.isRefusing = true;
  capture.refresh();
  expect(kernel.rings[0]!.isOpen).toBe(false);
  expect(capture.choose!({ interface: "eth0", filter: "udp" })).toBe(true);
  capture.keep!({ fromMs: 0, untilMs: 1 });
  kernel.isRefusing = false;
  capture.refresh();
  expect(kernel.rings).toHaveLength(2);
  expect(said.at(-1)).toBe("interface eth0 is back");
  const other = new Kernel();
  captureOf(other, { interface: "eth0", filter: "udp" });
  expect(programs(kernel)[1]).toBe(programs(other)[0]);
  await capture.close();
  expect(kernel.rings.map(({ isOpen }) => isOpen)).toEqual([false, false]);
});

test.each([1, 2])("%s rings that nobody can wait for are closed, and opened again when somebody can", async (rings) => {
  const kernel = new Kernel();
  kernel.isBusy = true;
  const reason = "cannot read what is captured on eth0: a thread: Resource temporarily unavailable";
  expect(() => captureOf(kernel, { interface: "eth0" }, rings)).toThrow(new Failure(reason));
  expect(kernel.rings.map(({ isOpen }) => isOpen)).toEqual(Array(rings).fill(false));
  kernel.isBusy = false;
  const { capture, said } = captureOf(kernel, { interface: "eth0" }, rings);
  kernel.rings.at(-1)!.fault = ENODEV;
  kernel.isBusy = true;
  for (let times = 0; times < 3; times++) capture.refresh();
  expect(kernel.rings.filter(({ isOpen }) => isOpen)).toEqual([]);
  kernel.isBusy = false;
  capture.refresh();
  expect(kernel.rings.filter(({ isOpen }) => isOpen)).toHaveLength(rings);
  expect(said.at(-1)).toBe("interface eth0 is back");
  await capture.close();
  expect(kernel.rings.filter(({ isOpen }) => isOpen)).toEqual([]);
});
