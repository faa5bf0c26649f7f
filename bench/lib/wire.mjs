/** A wire to capture from: two network namespaces, packets by tcpreplay. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";

/** Why there can be none here, in one line; undefined where there can. */
export function wireMissing() {
  if (process.platform !== "linux" || process.getuid() !== 0) return "only root may make network namespaces";
  const missing = ["ip", "tcpreplay", "tcpdump"].find((program) => spawnSync("which", [program]).status !== 0);
  return missing && `${missing} is not installed`;
}

/** Two namespaces with a pair of interfaces between them. */
export class Wire {
  constructor() {
    const suffix = randomBytes(3).toString("hex");
    this.near = `tw-bench-near-${suffix}`;
    this.far = `tw-bench-far-${suffix}`;
    const ip = (...words) => execFileSync("ip", words);
    for (const name of [this.near, this.far]) ip("netns", "add", name);
    ip("-n", this.near, "link", "add", "tw0", "type", "veth", "peer", "name", "tw1", "netns", this.far);
    for (const [name, device] of [
      [this.near, "tw0"],
      [this.far, "tw1"],
    ]) {
      spawnSync("ip", ["netns", "exec", name, "sysctl", "-qw", `net.ipv6.conf.${device}.disable_ipv6=1`]);
      ip("-n", name, "link", "set", device, "up");
    }
  }

  /** Starts a program where packets come in, and waits until it has said `ready`. */
  start(ready, ...command) {
    const child = spawn("ip", ["netns", "exec", this.near, ...command], { stdio: ["ignore", "pipe", "pipe"] });
    const program = { child, said: "", ended: new Promise((done) => child.once("close", done)) };
    const started = new Promise((done, fail) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (text) => {
          program.said += text;
          if (ready.test(program.said)) done(program);
        });
      }
      child.once("close", () => fail(new Error(program.said)));
    });
    return started;
  }

  /** Sends a capture; answers packets a second as tcpreplay reached them. */
  async replay(path, rate) {
    const pace = rate === 0 ? ["--topspeed"] : [`--pps=${rate}`, "--pps-multi=32"];
    const words = ["netns", "exec", this.far, "tcpreplay", "-q", "-K", ...pace, "-i", "tw1", path];
    const child = spawn("ip", words, { stdio: ["ignore", "pipe", "ignore"] });
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      said += text;
    });
    await new Promise((done) => child.once("close", done));
    return Number(/([\d.]+) pps/.exec(said)?.[1]);
  }

  remove() {
    for (const name of [this.near, this.far]) spawnSync("ip", ["netns", "del", name]);
  }
}

/** Tells a program of `start` to end, and waits until it has. */
export async function stop({ child, ended }) {
  child.kill("SIGTERM");
  await ended;
}
