/** What the agent says to the service manager that started it, heard on a socket as systemd's. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { ServiceManager } from "../../shim/agent/service-manager";
import type { Native } from "../../shim/capture/native";
import { findLoopback } from "../support/capture/loopback";
import { ADDON } from "../support/capture/network";
import { runOf, startCommand } from "../support/command";

const folder = mkdtempSync(join(tmpdir(), "tallywire-notify-"));
afterAll(() => rmSync(folder, { recursive: true }));

const { name: loopback, missing } = findLoopback();
const hasPerl = spawnSync("perl", ["-MSocket", "-e", "1"]).status === 0;
const canTell = process.platform === "linux" && missing === undefined && hasPerl;
if (!canTell)
  console.warn(`what systemd is told is not tested: ${missing ?? (hasPerl ? "it is Linux' alone" : "there is no perl")}`);

/** Perl, which every Debian has: prints each datagram as a line, its own lines apart by spaces. */
const RECEIVER = `
  $| = 1;
  my $name = shift;
  $name =~ s/^\\@/\\0/;
  socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die;
  bind($socket, pack_sockaddr_un($name)) or die;
  print "listens\\n";
  while (defined recv($socket, my $words, 65536, 0)) { $words =~ s/\\n/ /g; print "$words\\n"; }`;

/** A service manager's ear. */
class Ear {
  readonly words: string[] = [];
  private readonly child: ChildProcess;

  constructor(readonly address: string) {
    this.child = spawn("perl", ["-MSocket", "-e", RECEIVER, address], { stdio: ["ignore", "pipe", "inherit"] });
    let rest = "";
    this.child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      this.words.push(...lines);
    });
  }

  /** Waits until it has heard so many datagrams with this in them. */
  async hears(what: string, times = 1): Promise<void> {
    while (this.count(what) < times) {
      if (this.child.exitCode !== null) throw new Error("nobody listens");
      await sleep(20);
    }
  }

  count(what: string): number {
    return this.words.filter((words) => words.includes(what)).length;
  }

  close(): void {
    this.child.kill("SIGKILL");
  }
}

const SECOND_USEC = 1_000_000;

describe.runIf(canTell)("systemd is told", { timeout: 90_000 }, () => {
  test.each([
    ["a path", join(folder, "notify")],
    ["an abstract name", `@tallywire-notify-${process.pid}`],
  ])("by %s: ready once it captures, alive again and again, stopping when it is told to end", async (_, address) => {
    const ear = new Ear(address);
    await ear.hears("listens");
    const words = ["agent", "-i", loopback, "--spool", mkdtempSync(join(folder, "spool-")), "--edge", "e"];
    const child = startCommand(words, { NOTIFY_SOCKET: address, WATCHDOG_USEC: String(4 * SECOND_USEC) });
    const run = runOf(child);
    try {
      await ear.hears("WATCHDOG=1", 3);
      expect(ear.words[1]).toBe(`READY=1 WATCHDOG=1 STATUS=reading interface ${loopback}, 0 minutes sealed`);
      expect(ear.count("READY=1")).toBe(1);
      expect(ear.count("STOPPING=1")).toBe(0);

      // An agent whose work stands still feeds no watchdog, however long it lives.
      child.kill("SIGSTOP");
      const fed = ear.count("WATCHDOG=1");
      await sleep(5000);
      expect(ear.count("WATCHDOG=1")).toBeLessThanOrEqual(fed + 1);
      child.kill("SIGCONT");
      await ear.hears("WATCHDOG=1", fed + 2);

      child.kill("SIGTERM");
      expect((await run).code).toBe(0);
      await ear.hears("STOPPING=1");
      const last = ear.words.findIndex((words) => words.includes("STOPPING=1"));
      expect(ear.words.slice(last).join(" ")).not.toContain("WATCHDOG=1");
    } finally {
      child.kill("SIGKILL");
      ear.close();
    }
  });

  test("nothing before it can capture", async () => {
    const ear = new Ear(join(folder, "early"));
    await ear.hears("listens");
    const words = ["agent", "-i", "nowhere0", "--spool", folder, "--edge", "e"];
    const { code } = await runOf(startCommand(words, { NOTIFY_SOCKET: ear.address, WATCHDOG_USEC: String(4 * SECOND_USEC) }));
    expect(code).toBe(1);
    expect(ear.words).toEqual(["listens"]);
    ear.close();
  });

  test("once what found no room before", async () => {
    const said: string[] = [];
    const address = join(folder, "late");
    const native = () => createRequire(import.meta.url)(ADDON!) as Native;
    const manager = new ServiceManager({ NOTIFY_SOCKET: address }, (line) => said.push(line), 1000, native);
    manager.ready("first");
    manager.alive("second");
    expect(said).toEqual([expect.stringMatching(/^the service manager was not told READY=1: /)]);
    const ear = new Ear(address);
    await ear.hears("listens");
    manager.alive("third");
    await ear.hears("third");
    manager.alive("third");
    manager.stopping("third");
    await ear.hears("STOPPING");
    expect(ear.words.slice(1)).toEqual(["READY=1 STATUS=third", "STOPPING=1"]);
    ear.close();
  });
});

test("nobody is told who did not ask, or asked another process", () => {
  const said: string[] = [];
  const say = (line: string) => said.push(line);
  for (const environment of [{}, { NOTIFY_SOCKET: "" }]) {
    const manager = new ServiceManager(environment, say, 1000);
    manager.ready("here");
    manager.stopping("gone");
  }
  new ServiceManager({ NOTIFY_SOCKET: "/nobody", WATCHDOG_USEC: "1000000", WATCHDOG_PID: "1" }, say, 1000);
  expect(said).toEqual([]);
  new ServiceManager({ NOTIFY_SOCKET: "/nobody", WATCHDOG_USEC: "1000000", WATCHDOG_PID: String(process.pid) }, say, 1000);
  expect(said).toEqual(["a turn takes 1000 ms, too long for a watchdog of 1000; set WatchdogSec=10 or more"]);
});
