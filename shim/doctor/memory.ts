import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { formatBytes } from "../../engine/units";
import { MIB, memoryOf, THREAD_MIB } from "../agent/settings";
import { type Finding, ok, skipped, warning } from "./finding";
import type { Subject } from "./subject";

/** What an agent takes beside its budget with every table full (ARCHITECTURE.md, "Memory"). */
const PROGRAM_BYTES = 75_000_000;
/** What its HTTP takes beside that: to merge a full minute, and to keep the last ones. */
const HTTP_BYTES = 25_000_000;

/**
 * Whether there is memory for an agent. A ring is the kernel's own (net/packet/af_packet.c, alloc_one_pg_vec_page): it counts neither as locked
 * memory, whatever RLIMIT_MEMLOCK is, nor to a control group.
 */
export function checkMemory({ options, captures = false }: Subject): Finding {
  const { budget, ring } = memoryOf(options);
  const { threads = 1 } = options;
  const available = availableBytes();
  if (available === undefined) return skipped("this system does not say what is free");
  const agent = PROGRAM_BYTES + budget * MIB + (options.listen === undefined ? 0 : HTTP_BYTES);
  const rings = ring * threads * MIB;
  const locked = captures ? `; the ring is no locked memory, and was opened with ${lockedWords()} of that` : "";
  const takes = `an agent takes up to ${formatBytes(agent)}`;
  const limit = groupLimitBytes();
  if (limit !== undefined && limit < agent)
    return warning(
      `${takes}, and may take ${formatBytes(limit)} here`,
      "MemoryMax= of the unit or resources.limits.memory: more",
    );
  const all = `${takes}, and ${formatBytes(rings)} of the kernel's for packets that wait; ${formatBytes(available)} are free`;
  return available < agent + rings ? warning(all, lessWords(threads)) : ok(`${all}${locked}`);
}

/** What takes least. */
function lessWords(threads: number): string {
  const fewer = threads > 1 ? ", and fewer --threads" : "";
  return `--budget ${THREAD_MIB * threads} --ring 2${fewer}`;
}

/** What can be had without swapping, by Linux' own estimate. */
function availableBytes(): number | undefined {
  const [, kibibytes] = /^MemAvailable:\s+(\d+) kB$/m.exec(textOf("/proc/meminfo")) ?? [];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}

/** The memory that this process' control group (version 2), or one above it, leaves it; undefined where none limits it. */
export function groupLimitBytes(root = "/"): number | undefined {
  const [, group] = /^0::(\/.*)$/m.exec(textOf(join(root, "proc/self/cgroup"))) ?? [];
  if (group === undefined) return undefined;
  const limits: number[] = [];
  for (let path = group; ; path = dirname(path)) {
    const limit = Number.parseInt(textOf(join(root, "sys/fs/cgroup", path, "memory.max")), 10);
    if (Number.isFinite(limit)) limits.push(limit);
    if (path === "/") return limits.length === 0 ? undefined : Math.min(...limits);
  }
}

/** RLIMIT_MEMLOCK, in words. */
function lockedWords(): string {
  const [, bytes] = /^Max locked memory\s+(\d+)\s/m.exec(textOf("/proc/self/limits")) ?? [];
  return bytes === undefined ? "any amount" : `a limit of ${formatBytes(Number(bytes))}`;
}

/** A file of the system; nothing where it is not there. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
