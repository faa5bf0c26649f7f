/** Which interfaces a name means, and the kernel's program for them. */
import { expect, test } from "vitest";
import { InterfaceNames } from "../../shim/capture/interface-names";
import { ringProgram } from "../../shim/capture/ring-program";
import { runProgram } from "../support/kernel-bpf";

test.each([
  ["eth0", ["eth0"]],
  ["any", ["eth0", "eth10", "lo", "veth1a", "a.b"]],
  ["eth*", ["eth0", "eth10"]],
  ["eth?", ["eth0"]],
  ["veth*, lo", ["lo", "veth1a"]],
  ["*", ["eth0", "eth10", "lo", "veth1a", "a.b"]],
  ["a?b,a*b", ["a.b"]],
  ["aXb", []],
])("%s", (words, meant) => {
  const names = new InterfaceNames(words);
  expect(["eth0", "eth10", "lo", "veth1a", "a.b"].filter((name) => names.has(name))).toEqual(meant);
  expect(names.isAll).toBe(words === "any" || words === "*");
  expect(names.single).toBe(/^\w+$/.test(words) && words !== "any" ? words : undefined);
});

test("names that are none of the interfaces are known", () => {
  const missing = (words: string) => new InterfaceNames(words).missing(["eth0", "lo"]);
  expect(missing("lo, eth?")).toEqual([]);
  expect(missing("any")).toEqual([]);
  expect(missing("lo, nosuch,veth*")).toEqual(["nosuch", "veth*"]);
});

test("takes packets of the interfaces that were chosen, however many, and no copies of loopback", () => {
  const give = (bytes: number) => new Uint8Array(new Uint32Array([6, bytes]).buffer);
  for (const count of [0, 1, 2, 300, 1000]) {
    const interfaces = Array.from({ length: count }, (_, place) => 3 + 2 * place);
    const program = ringProgram({ interfaces, filter: { ethernet: give(11), raw: give(22) } });
    expect(program.length / 8).toBeLessThan(4096);
    for (const index of [1, 2, 3, 4, 5, 602, 603, 2001, 2002, 2003]) {
      const known = { bytes: new Uint8Array(0), etherType: 0x0800, packetType: 0, index, hardware: 1 };
      const isChosen = interfaces.includes(index);
      expect(runProgram(program, known)).toBe(isChosen ? 11 : 0);
      expect(runProgram(program, { ...known, hardware: 772 })).toBe(isChosen ? 11 : 0);
      expect(runProgram(program, { ...known, hardware: 65534 })).toBe(isChosen ? 22 : 0);
      expect(runProgram(program, { ...known, packetType: 4 })).toBe(isChosen ? 11 : 0);
      expect(runProgram(program, { ...known, packetType: 4, hardware: 772 })).toBe(0);
    }
  }
  const known = { bytes: new Uint8Array(0), etherType: 0x0800, packetType: 0, index: 9, hardware: 1 };
  expect(runProgram(ringProgram({}), known)).toBe(262_144);
});

test("gives no more of a packet than the snap length, and nothing of what the filter keeps out", () => {
  const give = (bytes: number) => new Uint8Array(new Uint32Array([6, bytes]).buffer);
  const known = { bytes: new Uint8Array(0), etherType: 0x0800, packetType: 0, index: 9, hardware: 1 };
  expect(runProgram(ringProgram({ snapBytes: 96 }), known)).toBe(96);
  const program = ringProgram({ snapBytes: 96, filter: { ethernet: give(262_144), raw: give(0) } });
  expect(runProgram(program, known)).toBe(96);
  expect(runProgram(program, { ...known, hardware: 65534 })).toBe(0);
});

test("is refused where it is longer than the kernel takes it, with what makes it so", () => {
  const long = (count: number) => new Uint8Array(new Uint32Array(Array(count).fill([6, 0]).flat()).buffer);
  const filter = { ethernet: long(2043), raw: long(2044) };
  expect(ringProgram({ filter }).length / 8).toBe(4096);
  expect(() => ringProgram({ filter: { ...filter, raw: long(2045) } })).toThrow(
    /^-f: the filter comes to 4097 instructions, for Ethernet and other links together; a ring takes 4096, so name networks in place of hosts$/,
  );
  expect(() => ringProgram({ filter, interfaces: [3] })).toThrow(
    /^-f: the filter comes to 4100 instructions with 1 interface, for/,
  );
});
