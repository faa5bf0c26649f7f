/** The way of a request through interfaces, as `-o wide` shows it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Stage } from "../../engine/round-trip";
import { stagePath } from "../../shim/output/stage-path";
import { tallywire } from "../support/command";
import { Conversation } from "../support/pcap-builder";
import { passing, severalInterfaces } from "../support/several-interfaces";

const VETH: Stage = { interface: 7, name: "veth1", requestNs: 0, responseNs: 1_262_016 };
const BRIDGE: Stage = { interface: 5, name: "br0", requestNs: 0, responseNs: 1_254_177 };
const CARD: Stage = { interface: 3, requestNs: 16_805, responseNs: 1_233_604 };

test.each([
  ["there and back", [VETH, BRIDGE, CARD], "veth1 > 0 s > br0 > 16.8 us > #3 ~ 1.22 ms ~ #3 < 20.6 us < br0 < 7.84 us < veth1"],
  ["no answer", [VETH, CARD].map(({ responseNs: _, ...stage }) => stage), "veth1 > 16.8 us > #3"],
  ["an answer by another way", [VETH, { interface: 9, responseNs: 2_262_016 }], "veth1 ~ 1.26 ms ~ veth1 < 1 ms < #9"],
  ["none", [], ""],
])("%s", (_, stages, path) => {
  expect(stagePath(stages)).toBe(path);
});

test("-o wide has bar and way in one line, -o line has neither", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tallywire-path-"));
  try {
    const file = join(folder, "several.pcapng");
    const talk = new Conversation().open().send("client", "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    const { packets } = talk.wait(1_000_000n).send("server", "HTTP/1.1 204 No Content\r\n\r\n").close();
    writeFileSync(
      file,
      severalInterfaces(
        packets.flatMap((packet) => passing(packet, [1, 0], 5000n)),
        2,
      ),
    );
    const [wide, line] = await Promise.all(["wide", "line"].map((form) => tallywire(["read", file, "-o", form])));
    expect(wide!.stdout).toMatch(/ ~+#+ .* \| #1 > 5 us > #0 ~ 1\.99 ms ~ #1 < 5 us < #0 \| /);
    expect(line!.stdout).not.toContain("5 us");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
