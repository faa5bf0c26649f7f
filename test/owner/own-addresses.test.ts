/** Which addresses are this host's, against what the system lists. */
import { execFileSync } from "node:child_process";
import type { NetworkInterfaceInfo } from "node:os";
import { expect, test } from "vitest";
import { OwnAddresses } from "../../shim/owner/own-addresses";

/** Addresses as `ip` prints them, as bytes: of IPv6 each group has its zeros there. */
function listed(): Uint8Array[] {
  const links = JSON.parse(execFileSync("ip", ["-json", "address"], { encoding: "utf8" })) as {
    addr_info: { family: string; local: string }[];
  }[];
  return links
    .flatMap((link) => link.addr_info)
    .map(({ family, local }) => {
      if (family === "inet") return Uint8Array.from(local.split(".").map(Number));
      const shown = new URL(`http://[${local}]/`).hostname.slice(1, -1);
      const missing = 8 - shown.split(":").filter(Boolean).length;
      const whole = shown.replace("::", `:${"0:".repeat(missing)}`).replace(/^:|:$/g, "");
      return Uint8Array.from(
        whole.split(":").flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
      );
    });
}

test.skipIf(process.platform !== "linux")("are those that the system lists, and no others that are like them", () => {
  const own = new OwnAddresses();
  const all = listed();
  expect(all.length).toBeGreaterThan(0);
  const isListed = (address: Uint8Array) => all.some((one) => Buffer.compare(one, address) === 0);
  for (const address of all) {
    expect(own.has(address), address.join(".")).toBe(true);
    for (let at = 0; at < address.length; at++) {
      const other = address.map((byte, index) => (index === at ? byte ^ 1 : byte));
      if (other[0] !== 127 || other.length !== 4) expect(own.has(other), other.join(".")).toBe(isListed(other));
    }
    const twin = address.length === 4 ? [...Array<number>(12).fill(0), ...address] : [...address.subarray(12)];
    const bytes = Uint8Array.from(twin);
    if (bytes[0] !== 127 || bytes.length !== 4) expect(own.has(bytes), twin.join(".")).toBe(isListed(bytes));
  }
});

test("all of 127.0.0.0/8 is this host", () => {
  const own = new OwnAddresses();
  expect(own.has(Uint8Array.of(127, 9, 8, 7))).toBe(true);
  expect(own.has(Uint8Array.of(192, 0, 2, 1))).toBe(false);
  expect(own.has(new Uint8Array(16))).toBe(false);
});

test("are what they were while the system cannot list them", () => {
  const entry = (address: string) => ({ address }) as NetworkInterfaceInfo;
  let nowMs = 0;
  let listed: string[] | undefined = ["192.0.2.1"];
  const list = () => {
    if (listed === undefined) throw new Error("a system error: uv_interface_addresses returned EMFILE (too many open files)");
    return { eth0: listed.map(entry) };
  };
  const own = new OwnAddresses(list, () => nowMs);
  const has = (last: number) => own.has(Uint8Array.of(192, 0, 2, last));
  expect([has(1), has(2)]).toEqual([true, false]);
  listed = undefined;
  nowMs += 10_000;
  expect([has(1), has(2)]).toEqual([true, false]);
  listed = ["192.0.2.2"];
  nowMs += 10_000;
  expect([has(1), has(2)]).toEqual([false, true]);
});
