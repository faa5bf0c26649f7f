/** Which programs are installed, also those that Debian keeps out of the path, and whether packets may be captured. */
import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";

const POSTGRESQL = "/usr/lib/postgresql";
const VERSIONS = existsSync(POSTGRESQL) ? readdirSync(POSTGRESQL).sort((a, b) => Number(a) - Number(b)) : [];
const FOLDERS = [
  // Before the path, whose script of that name is for the system's own broker.
  "/usr/lib/rabbitmq/bin",
  ...(process.env.PATH ?? "").split(delimiter),
  "/usr/sbin",
  ...VERSIONS.slice(-1).map((version) => join(POSTGRESQL, version, "bin")),
];

/** Where a program is installed; undefined where it is not. */
export function programPath(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Whether packets of loopback may be captured here. */
const MAY_CAPTURE = programPath("tcpdump") !== undefined && process.getuid?.() === 0;

/** Whether every program is here and packets may be captured; says which server is left out, and why, where not. */
export function isHere(server: string, programs: readonly string[]): boolean {
  const missing = programs.filter((name) => programPath(name) === undefined);
  if (missing.length === 0 && MAY_CAPTURE) return true;
  const reason = missing.length > 0 ? `${missing.join(" and ")} not installed` : "no tcpdump, or no right to capture";
  console.warn(`${server} is left out: ${reason}`);
  return false;
}
