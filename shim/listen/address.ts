import { isIP } from "node:net";
import { Failure } from "../failure";

/** Where an agent answers: a port of loopback, or a socket in the file system. */
export type ListenAddress = { kind: "tcp"; host: string; port: number } | { kind: "unix"; path: string };

const FORMS = "write 127.0.0.1:PORT, [::1]:PORT or unix:PATH";
/** Bytes of a socket's path that every system takes. */
const PATH_BYTES_MAX = 103;

/** Reads the word of --listen. Throws Failure. */
export function listenAddress(text: string): ListenAddress {
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    const bytes = Buffer.byteLength(path);
    if (path === "" || path.includes("\0")) throw new Failure(`"${text}" names no socket; ${FORMS}`, 2);
    if (bytes > PATH_BYTES_MAX) throw new Failure(`the socket's path has ${bytes} bytes; ${PATH_BYTES_MAX} at most`, 2);
    return { kind: "unix", path };
  }
  const [, bracketed, plain, digits = ""] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? "";
  const port = Number(digits);
  const isForm = isIP(host) === (bracketed === undefined ? 4 : 6) && digits !== "" && port <= 65_535;
  if (!isForm) throw new Failure(`"${text}" is no address to listen on; ${FORMS}`, 2);
  if (host !== "::1" && !host.startsWith("127.")) {
    throw new Failure(`${host} is reached from other hosts, and the agent speaks no TLS; ${FORMS}`, 2);
  }
  return { kind: "tcp", host, port };
}
