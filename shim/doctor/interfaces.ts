import { InterfaceNames } from "../capture/interface-names";
import { captureDevices } from "../capture/live";
import { loadNative } from "../capture/native";
import { type Finding, failed, ok, skipped, warning } from "./finding";
import type { Subject } from "./subject";

const SHOWN_MAX = 12;
const MEND = "name one that there is with -i or TALLYWIRE_INTERFACE; tallywire interfaces has their addresses";

/** Which interfaces there are, and which of them are meant. */
export async function checkInterfaces({ options: { interface: words } }: Subject): Promise<Finding> {
  const names = await interfaceNames();
  if (names.length === 0) return skipped("they cannot be listed without the right to capture");
  if (words === undefined) return ok(listOf(names));
  const meant = new InterfaceNames(words);
  const chosen = names.filter((name) => meant.has(name));
  const missing = meant.missing(names);
  if (chosen.length > 0 && missing.length === 0) return ok(`${words}: ${listOf(chosen)}`);
  if (chosen.length > 0)
    return warning(`${listOf(chosen)}; there is no ${listOf(missing)} now, and what comes later is taken`, MEND);
  const found = `none is ${words} now; there are ${listOf(names)}`;
  return meant.single === undefined ? warning(`${found}; one that comes later is taken`, MEND) : failed(found, MEND);
}

/** Linux lists them to everybody. */
async function interfaceNames(): Promise<string[]> {
  const native = loadNative();
  if (native !== undefined && process.platform === "linux") return native.interfaces().map(({ name }) => name);
  return (await captureDevices()).devices;
}

function listOf(names: readonly string[]): string {
  const rest = names.length - SHOWN_MAX;
  return names.slice(0, SHOWN_MAX).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
