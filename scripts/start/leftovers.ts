/** What a start that was killed left behind: its hub, its edges, its folder. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { configPathOf, endOrphan, pidPathOf } from "../../shim/hub/pid-file";

/** Where a start keeps its hub. */
export const dataOf = (folder: string): string => join(folder, "hub");
/** Where the edges of a start keep their minutes. */
export const spoolOf = (folder: string): string => join(folder, "spool");
/** Where a start notes the process of an edge. */
export const edgePidPath = (folder: string, site: string): string => join(folder, `${site}.pid`);

/** Ends what starts that were killed left in `place`, and leaves those alone that still run. */
export async function endLeftovers(place: string): Promise<void> {
  for (const name of readdirSync(place).filter((name) => name.startsWith("start-"))) {
    const folder = join(place, name);
    const data = dataOf(folder);
    if (!existsSync(pidPathOf(data))) continue;
    if (!(await endOrphan(pidPathOf(data), configPathOf(data)))) continue;
    for (const file of readdirSync(folder).filter((file) => file.endsWith(".pid")))
      await endOrphan(join(folder, file), spoolOf(folder));
    rmSync(folder, { recursive: true, force: true });
  }
}
