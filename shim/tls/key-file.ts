import type { TlsOpener } from "../../engine/tls/opener";
import { fileOpener, keyLogOpener } from "./opener";

/**
 * Who opens TLS for those who look: with the key log at `path`, where one is named, and with what files bring of their own. Where the capture is
 * live the log may come later, and without one nobody opens anything. Throws Failure.
 */
export function openerOf(path: string | undefined, isLive: boolean): TlsOpener | undefined {
  if (path !== undefined) return keyLogOpener(path, { mustBe: !isLive });
  return isLive ? undefined : fileOpener();
}

/** Who opens TLS for an agent: nobody without a key log. Of several threads one says what is missing. Throws Failure. */
export function openerOfAgent(path: string | undefined, isLive: boolean, thread = 1): TlsOpener | undefined {
  return path === undefined ? undefined : keyLogOpener(path, { mustBe: !isLive, isQuiet: thread > 1 });
}
