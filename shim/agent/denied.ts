import type { Account } from "../capture/privileges";
import { Failure } from "../failure";

/**
 * The same failure, where a file could be read by root and root was given up: then with that as its cause, and what mends it. Whose configuration
 * it is reads it through its group, so that it cannot change it; a token is nobody's but its owner's.
 */
export function deniedSince(failure: Failure, account: Account | undefined, configPath?: string): Failure {
  const { code, path } = (failure.cause ?? {}) as NodeJS.ErrnoException;
  const isDenied = (code === "EACCES" || code === "EPERM") && /^cannot read /.test(failure.message);
  if (account === undefined || path === undefined || !isDenied) return failure;
  const { name, group } = account;
  const mend = path === configPath ? `chgrp ${group} ${path} && chmod 640 ${path}` : `chown ${name} ${path}`;
  const message = `${failure.message}, as --user has this go on as ${name}; run: ${mend}`;
  return new Failure(message, failure.exitCode, { cause: failure.cause, below: failure.below });
}
