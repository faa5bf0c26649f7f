import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Owners } from "../owner/owners";
import { type Finding, ok, skipped, warning } from "./finding";
import type { Subject } from "./subject";

const TCP = 6;
const LOOPBACK = "127.0.0.1";
const LOOPBACK_BYTES = Uint8Array.of(127, 0, 0, 1);
const TRIES = 50;
const TRY_MS = 5;
/** The number of the host's own PID namespace, as Linux has it. */
const HOST_PIDS = "pid:[4026531836]";
const RIGHTS_MEND =
  "AmbientCapabilities= and CapabilityBoundingSet= with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, which lets it read every file";

/** Whether it can be told which processes connections are of: opens one, and asks for it. */
export async function checkOwners({ options, captures = false }: Subject): Promise<Finding> {
  if (process.platform !== "linux") return skipped("whose connections are is told on Linux alone");
  if (options.owners === false) return skipped("--no-owners leaves out whose connections are");
  if (!captures) return skipped("it takes a capture");
  let owners: Owners;
  try {
    owners = Owners.open();
  } catch (error) {
    return warning(`whose connections are cannot be told: ${(error as Error).message}`, "a kernel with CONFIG_INET_DIAG");
  }
  try {
    const pid = await openerOfOne(owners);
    if (pid !== process.pid)
      return warning("whose connections are cannot be told: the kernel does not find one of this process", "modprobe tcp_diag");
  } finally {
    owners.close();
  }
  if (readlinkSync("/proc/self/ns/pid") !== HOST_PIDS)
    return warning(
      "processes outside of this container stay unknown",
      "docker run --pid host; in Kubernetes hostPID: true; both with SYS_PTRACE and DAC_READ_SEARCH among the capabilities",
    );
  if (options.user !== undefined) return warning("with --user, processes of other users stay unknown", "leave --user out");
  if (isAnyHidden()) return warning("processes of other users stay unknown", RIGHTS_MEND);
  return ok("process, user and container of a connection can be found out");
}

/** Opens a connection; the process that it is found to be of. */
async function openerOfOne(owners: Owners): Promise<number | undefined> {
  const server = createServer((socket) => socket.resume()).listen(0, LOOPBACK);
  await new Promise((done) => server.once("listening", done));
  const { port: serverPort } = server.address() as { port: number };
  const socket = connect(serverPort, LOOPBACK);
  await new Promise((done) => socket.once("connect", done));
  const ends = { client: LOOPBACK_BYTES, clientPort: socket.localPort!, server: LOOPBACK_BYTES, serverPort };
  const seconds = Math.floor(Date.now() / 1000);
  const connection = { protocol: TCP, ...ends, seconds, nanoseconds: (Date.now() % 1000) * 1e6, isClientSure: true };
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      const owner = owners.ownerOf("client", connection);
      if (owner !== undefined) return owner?.pid;
      await sleep(TRY_MS);
    }
    return undefined;
  } finally {
    socket.destroy();
    server.close();
  }
}

/** Whether there is a process that may not be looked into. */
function isAnyHidden(): boolean {
  const own = process.geteuid!();
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.some((pid) => {
    try {
      if (statSync(`/proc/${pid}`).uid === own || readFileSync(`/proc/${pid}/cmdline`).length === 0) return false;
      readdirSync(`/proc/${pid}/fd`);
      return false;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "EACCES";
    }
  });
}
