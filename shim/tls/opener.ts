import { Secrets } from "../../engine/tls/secrets";
import { SecretsOpener } from "../../engine/tls/secrets-opener";
import { Failure } from "../failure";
import { printable } from "../output/printable";
import { KeyLog } from "./key-log";
import { nodeCiphers } from "./node-ciphers";

/** Opens with the secrets of files themselves. */
export function fileOpener(): SecretsOpener {
  return new SecretsOpener(nodeCiphers, new Secrets());
}

/** What is said of a key log that may still come. */
export const notThereYet = (path: string): string => `the key log ${path} is not there yet: TLS stays closed until it is`;

/** How a key log is looked at. */
export interface KeyLogUse {
  /** Whether it has to be there from the beginning on. */
  mustBe?: boolean;
  /** Whether it goes without saying that it is not there yet. */
  isQuiet?: boolean;
}

/** Opens with the secrets of the key log at `path`. Throws Failure where it cannot be read. */
export function keyLogOpener(path: string, { mustBe = true, isQuiet = false }: KeyLogUse = {}): SecretsOpener {
  const secrets = new Secrets();
  const log = new KeyLog(path, secrets);
  const fault = log.refresh() ?? (mustBe && !log.isThere ? `cannot read the key log ${path}: it is not there` : undefined);
  if (fault !== undefined) throw new Failure(fault);
  if (!log.isThere && !isQuiet) tell(notThereYet(path));
  let hasSaid = false;
  const lookAgain = () => {
    const words = log.refresh();
    if (words === undefined || hasSaid) return;
    hasSaid = true;
    tell(words);
  };
  return new SecretsOpener(nodeCiphers, secrets, true, { lookAgain, close: () => log.close() });
}

function tell(line: string): void {
  process.stderr.write(`tallywire: ${printable(line)}\n`);
}
