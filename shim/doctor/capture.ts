import { formatBytes } from "../../engine/units";
import { MIB, memoryOf } from "../agent/settings";
import { captureLive, refuseCapture } from "../capture/live";
import { netRaw } from "../capture/permission";
import { isOfPromiscuous } from "../capture/ring";
import { loadCore } from "../core";
import { Failure } from "../failure";
import { type Finding, failedBy, ok, skipped, warning } from "./finding";
import type { Subject } from "./subject";

/** The least that a core takes: what is captured in this moment goes nowhere. */
const CORE_BYTES = 8 * MIB;

/** What mends what the kernel says. */
const MENDS: readonly (readonly [said: RegExp, mend: string])[] = [
  [/Address family not supported/, "in a unit RestrictAddressFamilies= must have AF_PACKET and AF_NETLINK"],
  [/Operation not permitted/, "run it outside of user namespaces, and under no seccomp filter that refuses packet sockets"],
  [/its filter: Cannot allocate memory/, "sudo sysctl net.core.optmem_max=131072, or a shorter -f"],
  [/its ring: Cannot allocate memory/, "--ring 2 asks the kernel for less memory"],
];

/**
 * Opens what an agent would open, and closes it: the packet socket, its filter, its ring, and the interface.
 *
 * Without an interface, that is `any` where there are rings.
 */
export async function checkCapture(subject: Subject): Promise<Finding> {
  const { captureFilter: filter, capture: method, promiscuous, threads = 1 } = subject.options;
  const { ring } = memoryOf(subject.options);
  if (netRaw()?.isEffective === false) return skipped("it takes the capability");
  const name = subject.options.interface ?? (process.platform === "linux" ? "any" : undefined);
  if (name === undefined) return skipped("no interface is given; name one with -i");
  const said: string[] = [];
  try {
    refuseCapture({ method, filter }, threads);
    const live = { interface: name, filter, method, promiscuous, ringBytes: ring * MIB };
    const capture = await captureLive(loadCore({ budgetBytes: CORE_BYTES }), live, (line) => said.push(line));
    await capture.close();
    subject.captures = true;
    const found = `${name} through ${capture.words}, ${formatBytes(ring * MIB)} for packets that wait`;
    // Of interfaces that are not there the check of interfaces tells.
    const refused = said.filter(isOfPromiscuous);
    return refused.length === 0 ? ok(found) : warning(refused.join(", "), "leave --promiscuous out, or those interfaces");
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const [, mend] = MENDS.find(([words]) => words.test(error.message)) ?? [];
    return mend === undefined ? failedBy(error) : { ...failedBy(error), mend };
  }
}
