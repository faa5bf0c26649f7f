import { readFileSync } from "node:fs";

/** Bit of CAP_NET_RAW in the capabilities of a Linux process. */
const CAP_NET_RAW = 13n;

/**
 * What gives one run of a program the right to capture, and nobody else. A file capability would be Node's own: every script that anybody
 * runs with it could capture then.
 */
export const PERMISSION_MEND =
  'sudo env "PATH=$PATH" setpriv --reuid=$(id -u) --regid=$(id -g) --init-groups --inh-caps=+net_raw --ambient-caps=+net_raw tallywire ...';

/** What Linux says of CAP_NET_RAW. */
export interface NetRaw {
  /** This process has it. */
  isEffective: boolean;
  /** It could be given it: whoever started it did not take it away for good. */
  isPossible: boolean;
}

/** Whether this process may capture; undefined where the system does not say, so that opening an interface shows it. */
export function netRaw(): NetRaw | undefined {
  if (process.platform !== "linux") return undefined;
  let status: string;
  try {
    status = readFileSync("/proc/self/status", "utf8");
  } catch {
    return undefined;
  }
  const has = (set: string) => {
    const [, hex = "0"] = new RegExp(`^${set}:\\s*([0-9a-f]+)$`, "m").exec(status) ?? [];
    return ((BigInt(`0x${hex}`) >> CAP_NET_RAW) & 1n) === 1n;
  };
  return { isEffective: has("CapEff"), isPossible: has("CapBnd") };
}
