import type { Core } from "../../engine/core";
import type { InterfaceNaming } from "../../engine/round-trip";
import { InterfaceNames } from "./interface-names";
import { loadNative } from "./native";

/** How long a number stands for nothing before it is asked for again, ms. */
const UNKNOWN_MS = 1000;

/** Whether the same packet may come by several of the interfaces that are meant; a file says so itself. */
export function showsSeveral(interfaceWords: string | undefined): boolean {
  return interfaceWords === undefined || new InterfaceNames(interfaceWords).single === undefined;
}

/** How interfaces are named: this host's, those too that came or went since, or a file's by what it says of them. */
export function namingOf(core: Core, interfaceWords: string | undefined): InterfaceNaming {
  if (interfaceWords === undefined) return (_, nameNumber) => core.interfaceName(nameNumber);
  const names = new Map<number, string>();
  let askedMs = Number.NEGATIVE_INFINITY;
  return (interfaceId) => {
    if (!names.has(interfaceId) && performance.now() - askedMs >= UNKNOWN_MS) {
      askedMs = performance.now();
      for (const { name, index } of loadNative()?.interfaces() ?? []) names.set(index, name);
    }
    return names.get(interfaceId);
  };
}
