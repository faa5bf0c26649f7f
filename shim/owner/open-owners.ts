import { netRaw } from "../capture/permission";
import { reasonOf } from "../failure";
import { Owners } from "./owners";

/** Owners of this host's connections, where they are wanted and can be told; one line says why they cannot. */
export function openOwners(isWanted: boolean, say: (line: string) => void): Owners | undefined {
  // Who may not capture is told so by what captures.
  if (!isWanted || process.platform !== "linux" || netRaw()?.isEffective === false) return undefined;
  try {
    return Owners.open();
  } catch (error) {
    say(`whose connections are stays unknown: ${reasonOf(error)}`);
    return undefined;
  }
}
