import type { InterfaceNaming } from "../../engine/round-trip";
import { InterfaceNames } from "./interface-names";
import { loadNative } from "./native";

/** How long a number stands for nothing before it is asked for again, ms. */
const UNKNOWN_MS = 1000;

/** Whether the same packet may come by several of the interfaces that are meant; a file says so itself. */
export function showsSeveral(interfaceWords: string | undefined): boolean {
  return interfaceWords === undefined || new InterfaceNames(interfaceWords).single === undefined;
}

/** How numbers of interfaces are named where they are this host's: of those too that came or went since. */
export function namingOf(interfaceWords: string | undefined): InterfaceNaming | undefined {
  if (interfaceWords === undefined) return undefined;
  const names = new Map<number, string>();
  let askedMs = 0;
  return (interfaceId) => {
    if (!names.has(interfaceId) && Date.now() - askedMs >= UNKNOWN_MS) {
      askedMs = Date.now();
      for (const { name, index } of loadNative()?.interfaces() ?? []) names.set(index, name);
    }
    return names.get(interfaceId);
  };
}
