import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { Failure, reasonOf } from "../failure";
import { writeWhole } from "../write-whole";

const FILE = /^tags-([0-9a-f]{16})\.txt$/;
const BOOT_OF_BUNDLE = /^[0-9]{10}-([0-9a-f]{16})-/;

/** How long a hub takes late minutes. */
const KEPT_MS = 48 * 3_600_000;

/**
 * The tags that each of an edge's starts had, kept in the spool beside its bundles: whoever posts a bundle later, or again, posts it with
 * the tags that it had at first. A hub takes it to the object of its tags, and only that one knows whether it has it already.
 */
export class BootTags {
  constructor(private readonly folder: string) {}

  /** Keeps the tags of a start; those that it had before stay. Throws Failure. */
  note(bootId: bigint, tags: string): void {
    const path = this.pathOf(bootId.toString(16).padStart(16, "0"));
    if (existsSync(path)) return;
    try {
      writeWhole(path, tags);
    } catch (cause) {
      const reason = `cannot write to the spool ${this.folder}: ${reasonOf(cause)}; make room or name another with --spool`;
      throw new Failure(reason, 1, { cause });
    }
  }

  /** The tags that a bundle is posted with, by its file's name; undefined where its start left none. */
  tagsOf(bundleName: string): string | undefined {
    const boot = BOOT_OF_BUNDLE.exec(bundleName)?.[1];
    try {
      return boot === undefined ? undefined : readFileSync(this.pathOf(boot), "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** Forgets the starts that none of these bundles is of and whose minutes a hub would not take any more. */
  forgetAllBut(bundleNames: readonly string[]): void {
    const boots = new Set(bundleNames.map((name) => BOOT_OF_BUNDLE.exec(name)?.[1]));
    for (const name of readdirSync(this.folder)) {
      const boot = FILE.exec(name)?.[1];
      if (boot === undefined || boots.has(boot)) continue;
      const path = join(this.folder, name);
      if (Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) > KEPT_MS) rmSync(path, { force: true });
    }
  }

  private pathOf(boot: string): string {
    return join(this.folder, `tags-${boot}.txt`);
  }
}
