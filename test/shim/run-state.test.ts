/** The state of a run over files, where the disk does not take it. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FileRun } from "../../shim/agent/run-state";

test("that cannot be written says in one line where, and what mends it", () => {
  const folder = mkdtempSync(join(tmpdir(), "tallywire-run-"));
  const { bootId } = new FileRun(folder, ["a.pcap"], {});
  expect(new FileRun(folder, ["a.pcap"], {})).toMatchObject({ bootId, resumed: true });
  const [name] = readdirSync(folder);
  mkdirSync(join(folder, `${name}.draft`));
  expect(() => new FileRun(folder, ["a.pcap"], {})).toThrow(`cannot write to the spool ${folder}: it is a folder; make room`);
  rmSync(folder, { recursive: true });
});
