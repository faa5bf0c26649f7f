/** What Docker and containerd themselves call the containers of connections, where they are installed and run. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { networkMissing } from "../support/capture/network";
import { runOf, startCommand, untilSays } from "../support/command";
import { Containerd, Docker, type Pod, runtimesMissing } from "../support/runtimes/daemons";
import { freePort } from "../support/servers/stage";

const missing = networkMissing() ?? runtimesMissing;
if (missing !== undefined) console.warn(`real runtimes are not asked for names: ${missing}`);

const CART: Pod = { name: "cart-7d4b9", namespace: "shop", uid: "2f0c1a5e-7f7b-4e0a-9b0d-5d8e3c2b1a90" };
const serving = (port: number) => ["/bin/busybox", "httpd", "-f", "-p", `127.0.0.1:${port}`];

/** Asks a server, which has no page, twice: its runtime is asked for its name the first time. */
async function ask(port: number): Promise<void> {
  for (let times = 0; times < 2; times++) {
    await fetch(`http://127.0.0.1:${port}/`).then((answer) => answer.text());
    await sleep(500);
  }
}

describe.runIf(missing === undefined)("names of real containers", { timeout: 90_000 }, () => {
  const folder = missing === undefined ? mkdtempSync(join(tmpdir(), "tw-")) : "";
  let [plain, inPod] = [0, 0];
  let docker: Docker;
  let containerd: Containerd;
  /** Why Docker does not begin, though it is there: a kernel or a sandbox may not let it. */
  let unable: string | undefined;

  beforeAll(async () => {
    [plain, inPod] = [await freePort(), await freePort()];
    try {
      docker = await Docker.start(folder);
    } catch (error) {
      unable = String(error);
      console.warn(`real runtimes are not asked for names: ${unable}`);
      return;
    }
    const image = join(folder, "image.tar");
    docker.run("save", "-o", image, "busybox");
    containerd = await Containerd.start(folder, image);
    docker.run("run", "-d", "--network", "host", "--name", "web", "busybox", ...serving(plain));
    await containerd.runPod(CART, "cart", serving(inPod));
  }, 90_000);

  afterAll(async () => {
    await containerd?.end();
    await docker?.end();
    if (folder !== "") rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  /** The servers of what is watched of two ports while something is asked. */
  async function serversOf(ports: number[], variables: Record<string, string>, asks: () => Promise<void>) {
    const filter = ports.map((port) => `tcp port ${port}`).join(" or ");
    const child = startCommand(["watch", "http", "-i", "lo", "-f", filter, "-o", "json"], variables);
    const run = runOf(child);
    await untilSays(child, /watching lo/);
    await asks();
    child.kill("SIGTERM");
    const { stdout } = await run;
    const trips = stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as RoundTrip);
    return new Map(trips.map(({ server }) => [server.port, server]));
  }

  test("are Docker's, and containerd's with its pod", async ({ skip }) => {
    skip(unable !== undefined, unable);
    const sockets = { DOCKER_HOST: `unix://${docker.socket}`, CONTAINER_RUNTIME_ENDPOINT: `unix://${containerd.socket}` };
    const servers = await serversOf([plain, inPod], sockets, async () => {
      await ask(plain);
      await ask(inPod);
    });
    const pid = Number(docker.run("inspect", "-f", "{{.State.Pid}}", "web"));
    expect(servers.get(plain)).toMatchObject({ process: "busybox", pid, user: "0", container: "web" });
    expect(servers.get(plain)).not.toHaveProperty("pod");
    expect(servers.get(inPod)).toMatchObject({ process: "busybox", container: "cart", pod: "shop/cart-7d4b9" });
    expect(execFileSync("ps", ["-o", "args=", "-p", `${servers.get(inPod)!.pid}`], { encoding: "utf8" })).toContain(`:${inPod}`);
  });
});
