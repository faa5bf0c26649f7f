import { formatSeconds } from "../../engine/units";
import { CLOCK_OFFSET_MAX_MS } from "../post/hub-clock";
import { type Finding, failed, ok, skipped, warning } from "./finding";
import type { Subject } from "./subject";

const MEND = "sudo timedatectl set-ntp true, or chrony, on the host whose clock is wrong";

/** How far this host's clock is from the hub's, by the hub's answers. */
export function checkClock({ hub }: Subject): Finding {
  if (hub === undefined) return skipped("without a hub's answer there is none to compare it with");
  const { offsetMs } = hub.clock;
  const apart = formatSeconds(Math.abs(Math.round(offsetMs / 100) / 10));
  if (Math.abs(offsetMs) < CLOCK_OFFSET_MAX_MS) return ok(`within ${CLOCK_OFFSET_MAX_MS / 1000} s of the hub's`);
  const found = `${apart} ${offsetMs > 0 ? "ahead of" : "behind"} the hub's`;
  if (offsetMs > hub.aheadSeconds * 1000) return failed(`${found}, which takes no minute before it is there itself`, MEND);
  if (-offsetMs > hub.lateSeconds * 1000) return failed(`${found}, which takes no minute that is so late`, MEND);
  return warning(`${found}: what is seen is told of a wrong minute`, MEND);
}
