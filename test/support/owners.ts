/** Hosts whose processes are known by heart. */
import type { OwnedConnection, Owner, OwnerOf } from "../../engine/owner";

/** An address as a filter writes it, of IPv4, and its port. */
export function endOf(end: "client" | "server", connection: OwnedConnection): string {
  const [address, port] =
    end === "client" ? [connection.client, connection.clientPort] : [connection.server, connection.serverPort];
  return `${[...address].join(".")}:${port}`;
}

/** A host that knows the ends in a table, and says of all others that they are not its own. */
export function ownersByTable(table: Readonly<Record<string, Owner>>): OwnerOf {
  return (end, connection) => table[endOf(end, connection)] ?? null;
}

const PROCESSES = ["nginx", "curl", "postgres: main", "java", "Zürich", undefined];

/** A host to which two of three ends belong, which one follows from its address and port alone. */
export const anyOwner: OwnerOf = (end, connection) => {
  const text = endOf(end, connection);
  let sum = 0;
  for (let i = 0; i < text.length; i++) sum = (sum * 31 + text.charCodeAt(i)) >>> 0;
  if (sum % 3 === 0) return null;
  const process = PROCESSES[(sum >>> 4) % PROCESSES.length];
  return {
    process,
    pid: process === undefined ? undefined : 100 + ((sum >>> 8) % 50),
    user: sum & 1024 ? "www-data" : undefined,
    container: sum & 2048 ? `web-${(sum >>> 12) % 3}` : undefined,
    pod: sum & 4096 ? "shop/web-7d9f" : undefined,
    unknown: process === undefined ? "gone" : undefined,
  };
};
