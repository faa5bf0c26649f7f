/** Where the addon of a platform lies: one folder each, so that one package can hold several. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./run.mjs";

const CPUS = { x86_64: "x64", amd64: "x64", aarch64: "arm64", arm64: "arm64" };

/** The platform that a compiler makes programs for, by what it says of its machine, as `aarch64-linux-gnu`; undefined where it is of no use. */
export function platformOf(machine) {
  const [cpu, ...rest] = machine.trim().split("-");
  const arch = CPUS[cpu] ?? cpu;
  const system = rest.join("-");
  if (system.includes("darwin") || system.includes("apple")) return `darwin-${arch}`;
  if (!system.includes("linux")) return undefined;
  return `linux-${arch}-${system.includes("musl") ? "musl" : "glibc"}`;
}

/** The addon of a platform, from the project's folder. */
export function addonOf(platform) {
  return `build/native/${platform}/tallywire.node`;
}

/** Where an addon for this host may lie, what is likelier first. */
export function addonsOfHost() {
  const host = `${process.platform}-${process.arch}`;
  const platforms = process.platform === "linux" ? [`${host}-glibc`, `${host}-musl`] : [host];
  return platforms.map((platform) => join(ROOT, addonOf(platform))).filter((path) => existsSync(path));
}
