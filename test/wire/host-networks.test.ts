/** Networks of the host that change while packets come by: what begins from then on has its direction by them. */
import { expect, test } from "vitest";
import { Core, type CoreError } from "../../engine/core";
import { RoundTripReader } from "../../engine/round-trip";
import { SettingError } from "../../engine/settings";
import { dnsQuery, dnsResponse, ethernet, ipv4, pcap, spaced, udp } from "../support/pcap-builder";
import { coreModule } from "../support/round-trips";

const HOST = "192.0.2.1";
const OTHER = "198.51.100.7";
const NETWORKS = ["127.0.0.1/32", "2001:db8::1/128"];

/** A query of the host's and its response, from a port of its own. */
function exchange(port: number): Uint8Array[] {
  const query = udp(dnsQuery("a.test", { id: port }), { sourcePort: port, destinationPort: 53 });
  const response = udp(dnsResponse("a.test", { id: port }), { sourcePort: 53, destinationPort: port });
  return [
    ethernet(ipv4(query, { source: HOST, destination: OTHER })),
    ethernet(ipv4(response, { source: OTHER, destination: HOST })),
  ];
}

/** Directions of round trips, where `between` is done before the exchange of that number. */
function directions(between: Record<number, (core: Core) => void>): string[] {
  const core = new Core(coreModule(), { events: true, hostNetworks: NETWORKS });
  const reader = new RoundTripReader(core.schema);
  const found: string[] = [];
  core.drainTo({
    bundle: () => {},
    events: (view) => {
      for (const { direction } of reader.read(view)) found.push(direction!);
    },
  });
  const file = pcap(spaced([1001, 1002, 1003].flatMap(exchange)));
  const bytes = (file.length - 24) / 3;
  const input = core.open("file");
  input.write(file.subarray(0, 24));
  for (let index = 0; index < 3; index++) {
    between[index]?.(core);
    input.write(file.subarray(24 + index * bytes, 24 + (index + 1) * bytes));
  }
  input.end();
  core.flush();
  return found;
}

test("an address that comes and goes again is the host's as long as it is there", () => {
  const come = (core: Core) => core.setHostNetworks([...NETWORKS, `${HOST}/32`]);
  const go = (core: Core) => core.setHostNetworks(NETWORKS);
  expect(directions({})).toEqual(["unknown", "unknown", "unknown"]);
  expect(directions({ 1: come })).toEqual(["unknown", "out", "out"]);
  expect(directions({ 1: come, 2: go })).toEqual(["unknown", "out", "unknown"]);
});

test("with none it is for the capture to say", () => {
  expect(directions({ 1: (core) => core.setHostNetworks([]) })).toEqual(["unknown", "unknown", "unknown"]);
});

test("what is no network is refused, and all stays as it was", () => {
  const refused = (networks: string[], kind: typeof SettingError | typeof CoreError) => (core: Core) => {
    core.setHostNetworks([`${HOST}/32`]);
    expect(() => core.setHostNetworks(networks)).toThrow(kind);
  };
  expect(directions({ 0: refused(["office"], SettingError) })).toEqual(["out", "out", "out"]);
  expect(directions({ 0: refused(Array(65).fill("10.0.0.0/8"), SettingError) })).toEqual(["out", "out", "out"]);
});
