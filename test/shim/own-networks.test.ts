/** Which addresses are this host's, as the system lists them one time after the other. */
import type { networkInterfaces } from "node:os";
import { expect, test } from "vitest";
import { OwnNetworks } from "../../shim/capture/own-networks";

type Interfaces = ReturnType<typeof networkInterfaces>;

/** A system with these addresses, each on an interface of its own. */
function systemWith(...addresses: string[]): Interfaces {
  const described = addresses.map((address) => ({ address, family: address.includes(":") ? "IPv6" : "IPv4" }));
  return Object.fromEntries(described.map((one, index) => [`eth${index}`, [one]])) as Interfaces;
}

test("what comes and goes is told when it is looked at again", () => {
  let system = systemWith("127.0.0.1", "10.0.0.1", "2001:db8::1%eth0");
  let nowMs = 0;
  const changesAt = (ms: number) => {
    nowMs = ms;
    return networks.changes();
  };
  const networks = new OwnNetworks(
    () => system,
    () => nowMs,
  );
  expect(networks.current).toEqual(["127.0.0.1/32", "10.0.0.1/32", "2001:db8::1/128"]);
  system = systemWith("127.0.0.1", "10.0.0.2");
  expect([1000, 1999, 2000].map(changesAt)).toEqual([false, false, true]);
  expect(networks.current).toEqual(["127.0.0.1/32", "10.0.0.2/32"]);
  expect(changesAt(9000)).toBe(false);
});

test("what cannot be listed is what it was", () => {
  let isBroken = false;
  let nowMs = 0;
  const list = () => {
    if (isBroken) throw new Error("EMFILE");
    return systemWith("10.0.0.1");
  };
  const networks = new OwnNetworks(list, () => nowMs);
  isBroken = true;
  nowMs = 5000;
  expect(networks.changes()).toBe(false);
  expect(networks.current).toEqual(["10.0.0.1/32"]);
});

test("of more than there is room for, those of links alone are left out first", () => {
  const links = Array.from({ length: 100 }, (_, index) => `fe80::${index + 1}`);
  const { current } = new OwnNetworks(() => systemWith(...links, "10.0.0.1", "2001:db8::1", "10.0.0.1"));
  expect(current).toHaveLength(64);
  expect(current.slice(0, 3)).toEqual(["10.0.0.1/32", "2001:db8::1/128", "fe80::1/128"]);
});
