import type { TlsOpener } from "../../engine/tls-opener";

/**
 * Who opens TLS with the key log at `path`; nobody where none is named. Where the capture is live the file may come later. Throws Failure.
 */
export async function openerOf(path: string | undefined, isLive = false): Promise<TlsOpener | undefined> {
  if (path === undefined) return undefined;
  // The ciphers are loaded for those who want them.
  const { keyLogOpener } = await import("./opener");
  return keyLogOpener(path, !isLive);
}
