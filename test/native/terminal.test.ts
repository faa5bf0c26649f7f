/** What a terminal shows, and what its end does. A table on one: each time it is shown anew no line goes on below, where it would push the table off the screen; the last one may. */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { networkMissing } from "../support/capture/network";
import { COMMAND, runOf, untilSays } from "../support/command";
import { isHere } from "../support/servers/programs";

const missing = networkMissing() ?? (isHere("terminals", ["script", "stty", "timeout"]) ? undefined : "there is no terminal");
if (missing !== undefined) console.warn(`tables on a terminal are not tested: ${missing}`);

test.runIf(missing === undefined).each(["stat", "overview"])("%s", async (command) => {
  const live = `stty rows 8 cols 40; timeout -s INT 4 '${process.execPath}' '${COMMAND}' ${command} -i lo`;
  const { stdout } = await runOf(spawn("script", ["-qec", live, "/dev/null"]));
  const [start, ...screens] = stdout.split("\u001b[H\u001b[J");
  expect(start).toContain("watching lo");
  const last = screens.pop();
  expect(screens.length).toBeGreaterThan(0);
  for (const screen of screens) {
    const [before, mode, lines, again] = screen.split(/(\?7l|\?7h)/);
    expect([before, mode, again]).toEqual(["\u001b[", "?7l", "?7h"]);
    expect(lines?.split("\u001b")).toHaveLength(2);
  }
  expect(last).not.toContain("?7l");
  expect(last).toContain("packets seen");
});

test.runIf(missing === undefined)("an agent whose terminal closes keeps what it has", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tallywire-terminal-"));
  const terminal = spawn("script", [
    "-qec",
    `'${process.execPath}' '${COMMAND}' agent -i lo --edge e --spool '${folder}'`,
    "/dev/null",
  ]);
  await untilSays(terminal, /reading interface lo/);
  terminal.kill("SIGKILL");
  const bundles = () => readdirSync(join(folder, "e")).filter((name) => name.endsWith(".twb"));
  await expect.poll(bundles, { timeout: 10_000 }).not.toEqual([]);
  rmSync(folder, { recursive: true });
});
