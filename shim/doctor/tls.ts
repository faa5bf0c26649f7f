import { Secrets } from "../../engine/tls/secrets";
import { shellWord } from "../shell-word";
import { KeyLog } from "../tls/key-log";
import { notThereYet } from "../tls/opener";
import { type Finding, failed, ok, skipped, warning } from "./finding";
import type { Subject } from "./subject";

/** Whether the key log is there, with which TLS is opened, and can be read. */
export function checkTls({ options: { tlsKeys: path } }: Subject): Finding {
  if (path === undefined) return skipped("no key log is given: TLS stays closed; --tls-keys names one");
  const log = new KeyLog(path, new Secrets());
  const fault = log.refresh();
  if (fault !== undefined) return failed(fault, "name one that this user may read with --tls-keys");
  if (!log.isThere) return warning(notThereYet(path), `start what is looked into with SSLKEYLOGFILE=${shellWord(path)}`);
  log.close();
  return ok(`the key log ${path} can be read`);
}
