import { netRaw, PERMISSION_MEND } from "../capture/permission";
import { type Finding, failed, ok, skipped } from "./finding";

const GIVE_MEND =
  "docker run --cap-add NET_RAW; in Kubernetes capabilities.add: [NET_RAW]; in a unit CapabilityBoundingSet=CAP_NET_RAW";

/** Whether this process may capture, or could be allowed to. */
export function checkCapability(): Finding {
  const known = netRaw();
  if (known === undefined) return skipped("this system has no capabilities; opening an interface shows what is permitted");
  const who = `uid ${process.getuid?.()}`;
  if (known.isEffective) return ok(`CAP_NET_RAW, as ${who}`);
  if (!known.isPossible) return failed(`CAP_NET_RAW was taken away from all that runs here, ${who} too`, GIVE_MEND);
  return failed(`CAP_NET_RAW is missing, as ${who}`, `in a unit AmbientCapabilities=CAP_NET_RAW; in a shell: ${PERMISSION_MEND}`);
}
