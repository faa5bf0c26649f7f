/** Faults of the machine under a hub: a disk that is full, and a clock that steps. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder with a disk of its own, of so many MiB. */
export interface SmallDisk {
  folder: string;
  /** Takes all the room there is. */
  fill(): void;
  /** Gives it back. */
  free(): void;
  /** Takes the disk away. */
  end(): void;
}

/** A small disk in memory; null where this user may not mount one. */
export function smallDisk(mebibytes: number): SmallDisk | null {
  const folder = mkdtempSync(join(tmpdir(), "tallywire-disk-"));
  const options = `size=${mebibytes}m,mode=0700`;
  if (spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder]).status !== 0) {
    rmSync(folder, { recursive: true });
    return null;
  }
  const ballast = join(folder, "ballast");
  return {
    folder,
    fill() {
      for (let size = 1 << 20; size >= 4096; ) {
        try {
          writeFileSync(ballast, new Uint8Array(size), { flag: "a" });
        } catch {
          size >>= 1;
        }
      }
    },
    free: () => rmSync(ballast, { force: true }),
    end() {
      spawnSync("umount", ["-l", folder]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A copy of a built Worker, in `folder`, whose clock is so many seconds off; its alarms run by the true one. */
export function workerWithClockOff(workerFolder: string, folder: string, seconds: number): string {
  cpSync(workerFolder, folder, { recursive: true });
  const code = readFileSync(join(workerFolder, "index.js"), "utf8");
  const shift = `const trueNow = Date.now; Date.now = () => trueNow.call(Date) + ${seconds * 1000};\n`;
  writeFileSync(join(folder, "index.js"), shift + code);
  return folder;
}
