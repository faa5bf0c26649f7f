import { findNative } from "../capture/native";
import { loadCap } from "../capture/npm-cap";
import { type Finding, failed, ok, warning } from "./finding";

const MEND = "install a package that was packed on such a host, or in a clone: apt-get install gcc libc6-dev && npm run build";

/** Whether live capture's addon was built for this platform, and loads. */
export async function checkAddon(): Promise<Finding> {
  const found = findNative();
  if (found.native !== undefined) return ok(`that of ${found.platform} loads`);
  if ((await loadCap()) === undefined) return failed(found.reason, MEND);
  return warning(`${found.reason}: the npm package cap captures, which knows no drops and no nanoseconds`, MEND);
}
