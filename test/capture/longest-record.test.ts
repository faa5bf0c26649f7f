/** The longest record that is decoded in full fits the input of every budget. */
import { expect, test } from "vitest";
import { Core } from "../../engine/core";
import { ethernet, ipv4, join, pcap, START_NS, udp } from "../support/pcap-builder";
import { coreModule } from "../support/round-trips";

test.each([8, 16, 24])("with %d MiB", (mebibytes) => {
  const frame = ethernet(ipv4(udp("x")));
  const long = join(frame, new Uint8Array(262_144 - frame.length));
  const core = new Core(coreModule(), { budgetBytes: mebibytes << 20 });
  let bundles = 0;
  core.drainTo({ bundle: () => bundles++ });
  const input = core.open("file");
  const file = pcap([{ timeNs: START_NS, bytes: long }]);
  for (let at = 0; at < file.length; at += 65_536) input.write(file.subarray(at, at + 65_536));
  input.end();
  core.flush();
  expect(bundles).toBe(1);
});
