import { MIB, memoryOf } from "../agent/settings";
import { loadCore } from "../core";
import { type Finding, ok } from "./finding";
import type { Subject } from "./subject";

/** Whether the core is there, is of this program's ABI, and has its memory. Throws Failure and CoreError. */
export function checkCore({ options }: Subject): Finding {
  const { budget } = memoryOf(options);
  const { abi, schema, protocols } = loadCore({ budgetBytes: budget * MIB }).schema;
  return ok(`ABI ${abi}, schema ${schema}, ${protocols.length} protocols, with a budget of ${budget} MiB`);
}
