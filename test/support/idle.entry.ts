/** The whole core, and what its own accounting says of the memory that connections hold. */
import { Regions } from "../../assembly/regions";
import { FLOW_BYTES } from "../../assembly/stream/flow";
import { FlowTable } from "../../assembly/stream/table";

export * from "../../assembly/index";

/** Bytes of the pages of the stream pool that are in use. */
export function streamPoolUsed(): u32 {
  return Regions.streamPool.bytesUsed;
}

/** Bytes of a flow's record and of its share of the slots that it is found by. */
export function flowBytes(): u32 {
  return FLOW_BYTES + ((Regions.flowSlotsMask + 1) * 4 + Regions.flowsMax - 1) / Regions.flowsMax;
}

/** Flows in use. */
export function flows(): u32 {
  return FlowTable.count;
}
