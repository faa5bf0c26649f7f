import type { Schema } from "../engine/schema";
import type { ForcedProtocol } from "../engine/settings";
import { loadCore } from "./core";
import { Failure } from "./failure";

const EXAMPLE = "write it as http:8080,redis:7000";
const FORCED_MAX = 64;

/** Protocols that are spoken at a port, whatever it looks like, from `http:8080,redis:7000`; none unless given. Throws Failure. */
export function forcedProtocols(
  text: string | undefined,
  schemaOf: () => Pick<Schema, "protocols"> = () => loadCore({}).schema,
): ForcedProtocol[] | undefined {
  if (text === undefined) return undefined;
  const { protocols } = schemaOf();
  const named = new Map<number, string>();
  const forced = text.split(",").map((part) => {
    const [name = "", port = "", ...rest] = part.split(":").map((word) => word.trim());
    const number = Number(port);
    if (rest.length > 0 || !/^\d{1,5}$/.test(port) || number < 1 || number > 65_535)
      throw new Failure(`"${part.trim()}" is no protocol with its port; ${EXAMPLE}`, 2);
    const protocol = protocols.find((known) => known.name === name && known.transports !== "");
    if (protocol === undefined) {
      const known = protocols.filter(({ transports }) => transports !== "").map((one) => one.name);
      throw new Failure(`"${name}" is no protocol that is spoken at a port; ${known.join(", ")} are`, 2);
    }
    if (named.has(number))
      throw new Failure(`port ${number} has two protocols, ${named.get(number)} and ${name}; leave one out`, 2);
    named.set(number, name);
    return { protocol: protocol.number, port: number };
  });
  if (forced.length > FORCED_MAX)
    throw new Failure(`protocols are forced on at most ${FORCED_MAX} ports, not ${forced.length}`, 2);
  return forced;
}
