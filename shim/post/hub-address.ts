import { Failure } from "../failure";

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Whether a hub is on this host, so that it needs no TLS. */
export const isOnThisHost = ({ hostname }: URL): boolean => LOOPBACK.test(hostname);

/** The address of a hub: over TLS, or on this host, unless `insecure`. Throws Failure. */
export function hubAddress(text: string, insecure = false): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new Failure(`"${text}" is no address of a hub; write it as https://hub.example.com`, 2, { cause });
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new Failure(`"${text}" is no address of a hub: use https, or http on this host`, 2);
  }
  if (url.username !== "" || url.search !== "" || url.hash !== "") {
    throw new Failure(`the address of the hub is its origin and path only; give the key with --key or TALLYWIRE_KEY`, 2);
  }
  if (url.protocol === "http:" && !isOnThisHost(url) && !insecure) {
    throw new Failure(`${url.origin} is not encrypted and not on this host; use https, or add --insecure`, 2);
  }
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}
