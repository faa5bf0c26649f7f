import { homedir } from "node:os";
import { join } from "node:path";

/** Where this user's tallywire keeps what outlives it, by the XDG Base Directory Specification. */
export function stateFolder(name: string): string {
  return join(process.env.XDG_STATE_HOME || join(homedir(), ".local/state"), "tallywire", name);
}
