/** The unit, by systemd's own programs where they are there, and by what the command knows. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { COMMAND } from "../support/command";
import { textOf } from "../support/repository";
import { unknownVariables } from "./variables";

const UNIT = "deploy/systemd/tallywire-agent.service";
const unit = textOf(UNIT);
const folder = mkdtempSync(join(tmpdir(), "tallywire-unit-"));
afterAll(() => rmSync(folder, { recursive: true }));

const analyze = (...words: string[]) => spawnSync("systemd-analyze", words, { encoding: "utf8" });
const hasSystemd = analyze("--version").status === 0;
if (!hasSystemd) console.warn("the unit is not tried with systemd's own programs: they are not installed");

/** The values of a setting, in order. */
const valuesOf = (name: string) => [...unit.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map(([, value]) => value!);

/** The unit with the Node and the program of this host, by the name of the service. */
function ownUnit(): string {
  const path = join(folder, "tallywire-agent.service");
  const program = /\/usr\/bin\/node \/opt\/tallywire\/current\/\S+\/tallywire\.mjs/g;
  writeFileSync(path, unit.replace(program, `${process.execPath} ${COMMAND}`));
  return path;
}

test.runIf(hasSystemd)("systemd finds no fault in it", () => {
  const { status, stdout, stderr } = analyze("verify", ownUnit());
  expect([status, stdout, stderr]).toEqual([0, "", ""]);
  // It does find faults.
  const wrong = join(folder, "wrong.service");
  writeFileSync(wrong, unit.replace("WatchdogSec=60", "WatchdogSecs=60").replace("Type=notify", "Type=notifies"));
  expect(analyze("verify", wrong).stderr).toMatch(/WatchdogSecs|notifies/);
});

test.runIf(hasSystemd)("it is as little exposed as its page says", () => {
  const { stdout, stderr } = analyze("security", "--offline=true", "--no-pager", ownUnit());
  if (/[Uu]n(known|recognized) option/.test(stderr)) return console.warn("this systemd tells no exposure of a file");
  const [, exposure] = /Overall exposure level for tallywire-agent\.service: ([\d.]+)/.exec(stdout) ?? [];
  const [, said] = /\*\*Exposure\*\*: ([\d.]+) of 10/.exec(textOf("deploy/README.md")) ?? [];
  // Other releases weigh other settings.
  expect(Number(exposure)).toBeLessThanOrEqual(Number(said) + 0.5);
});

test("it has what the agent needs, and nothing that it cannot live with", () => {
  expect(valuesOf("AmbientCapabilities")).toEqual(["CAP_NET_RAW"]);
  expect(valuesOf("CapabilityBoundingSet")).toEqual(["CAP_NET_RAW"]);
  const families = valuesOf("RestrictAddressFamilies")[0]!.split(" ");
  expect(families).toEqual(expect.arrayContaining(["AF_PACKET", "AF_NETLINK", "AF_UNIX", "AF_INET", "AF_INET6"]));
  expect(valuesOf("MemoryDenyWriteExecute")).toEqual([]);
  expect([valuesOf("Type"), valuesOf("StateDirectory")]).toEqual([["notify"], ["tallywire"]]);
  expect(Number(valuesOf("WatchdogSec")[0])).toBeGreaterThanOrEqual(10);
});

test("the command knows what it is given", async () => {
  expect(await unknownVariables("agent", unit)).toEqual([]);
  expect(await unknownVariables("agent", textOf("deploy/systemd/agent.env"))).toEqual([]);
  const words = [...valuesOf("ExecStartPre"), ...valuesOf("ExecStart")].map((line) => line.split(".mjs ")[1]);
  expect(words).toEqual(["doctor", "agent"]);
});
