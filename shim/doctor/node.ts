import { type Finding, failed, ok } from "./finding";

/** The least that works, as package.json's `engines` has it; a test compares them. */
export const NODE_LEAST = [20, 19] as const;

/** Whether this Node is new enough. */
export function checkNode(version: string = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [leastMajor, leastMinor] = NODE_LEAST;
  const found = `Node ${version} on ${process.platform}-${process.arch}`;
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return ok(found);
  return failed(found, `install Node ${leastMajor}.${leastMinor} or later: https://nodejs.org/en/download`);
}
