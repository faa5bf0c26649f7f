/** What a start that was killed left behind: its hub, its live edge, its folder. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { configPathOf, endOrphan, pidPathOf } from "../../shim/hub/pid-file";

/** Where a start keeps its hub. */
export const dataOf = (folder: string): string => join(folder, "hub");
/** Where the edges of a start keep their minutes. */
export const spoolOf = (folder: string): string => join(folder, "spool");
/** Where a start notes the process of its live edge. */
export const livePidPath = (folder: string): string => join(folder, "live.pid");

/** Ends what starts that were killed left in `place`, and leaves those alone that still run. */
export async function endLeftovers(place: string): Promise<void> {
  for (const name of readdirSync(place).filter((name) => name.startsWith("start-"))) {
    const folder = join(place, name);
    const data = dataOf(folder);
    if (!existsSync(pidPathOf(data))) continue;
    if (!(await endOrphan(pidPathOf(data), configPathOf(data)))) continue;
    await endOrphan(livePidPath(folder), spoolOf(folder));
    rmSync(folder, { recursive: true, force: true });
  }
}
