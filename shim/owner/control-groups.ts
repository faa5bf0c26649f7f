import { lstatSync, readFileSync } from "node:fs";
import { opendir } from "node:fs/promises";
import { join } from "node:path";

/** Folders that are looked at in one walk, and how long a walk's answer stands, ms. */
const FOLDERS_MAX = 20_000;
const STANDS_MS = 5000;

/** Paths of control groups by the numbers that sockets have of theirs. A number is that of its folder in the unified hierarchy. */
export class ControlGroups {
  private paths = new Map<number, string>();
  private walkedMs = Number.NEGATIVE_INFINITY;
  private walking: Promise<void> | undefined;

  constructor(
    private readonly root = unifiedRoot(),
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** The path of a group; undefined where it is not known, or not yet: a walk begins then. */
  pathOf(number: number): string | undefined {
    const path = this.paths.get(number);
    if (path === undefined) void this.refresh();
    return path;
  }

  /** Walks through all groups, unless that was done just now. */
  refresh(): Promise<void> {
    if (this.root === undefined || this.now() - this.walkedMs < STANDS_MS) return Promise.resolve();
    this.walking ??= this.walk(this.root).finally(() => {
      this.walkedMs = this.now();
      this.walking = undefined;
    });
    return this.walking;
  }

  private async walk(root: string): Promise<void> {
    const found = new Map<number, string>();
    const waiting = [""];
    for (let path = waiting.pop(); path !== undefined && found.size < FOLDERS_MAX; path = waiting.pop()) {
      try {
        found.set(lstatSync(join(root, path)).ino, path === "" ? "/" : path);
        for await (const entry of await opendir(join(root, path))) if (entry.isDirectory()) waiting.push(`${path}/${entry.name}`);
      } catch {
        // The group has been removed meanwhile, or is not for everybody's eyes.
      }
    }
    this.paths = found;
  }
}

/** Where the unified hierarchy is mounted; undefined where it is not. */
function unifiedRoot(): string | undefined {
  try {
    const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
    return mounts.find((line) => line.includes(" - cgroup2 "))?.split(" ")[4];
  } catch {
    return undefined;
  }
}
