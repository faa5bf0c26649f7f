import type { Core } from "../engine/core";
import { Failure } from "./failure";
import { markedText } from "./marked-text";

/** Lets a core give out only what the filter wants, and of the protocols that are named. Throws Failure, which shows the place of a fault. */
export function setFilter(core: Core, filter = "", protocols: readonly string[] = []): void {
  for (const protocol of protocols) {
    if (core.schema.protocols.some(({ name }) => name === protocol)) continue;
    const names = core.schema.protocols.map(({ name }) => name).join(", ");
    throw new Failure(`there is no protocol ${protocol}; there are ${names}`, 2);
  }
  const fault = core.setFilter(filter);
  if (fault !== undefined) {
    const below = markedText(filter, fault.column);
    throw new Failure(`-Y, column ${fault.column}: ${fault.message}`, 2, { below });
  }
  if (protocols.length === 0) return;
  const own = `protocol in {${protocols.join(", ")}}`;
  const both = core.setFilter(filter.trim() === "" ? own : `${own} and (${filter})`);
  if (both !== undefined) throw new Failure(`-Y: ${both.message}`, 2);
}
