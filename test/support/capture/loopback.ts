/** Loopback, on which any host with the right to capture can be tested. */
import { spawnSync } from "node:child_process";
import { COMMAND } from "../command";

/** The loopback that the built command line can capture on; `missing` says in one line why there is none. */
export function findLoopback(): { name: string; missing?: undefined } | { name: ""; missing: string } {
  const { stdout, stderr } = spawnSync(process.execPath, [COMMAND, "interfaces"], { encoding: "utf8" });
  const name = /^(lo\d*)\s+yes\b/m.exec(stdout)?.[1];
  return name === undefined ? { name: "", missing: stderr.trim() || "there is no loopback" } : { name };
}
