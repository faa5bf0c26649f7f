/** How a check came out; of these, `failed` alone keeps an agent from its work. */
export type Status = "ok" | "warning" | "failed" | "skipped";

/** What a check found. */
export interface Finding {
  status: Status;
  /** What was found, in one line. */
  found: string;
  /** What mends it, in one line: a command, an option, or a line of a unit. */
  mend?: string;
}

/** All is as it should be. */
export const ok = (found: string): Finding => ({ status: "ok", found });
/** An agent works, and not as well as it could. */
export const warning = (found: string, mend: string): Finding => ({ status: "warning", found, mend });
/** An agent does not work so. */
export const failed = (found: string, mend: string): Finding => ({ status: "failed", found, mend });
/** It could not be looked at, or nobody wants it. */
export const skipped = (found: string): Finding => ({ status: "skipped", found });

/** What an error of ours says: what is wrong, and behind its first semicolon what mends it. */
export function failedBy({ message }: Error): Finding {
  const at = message.indexOf("; ");
  return at < 0 ? { status: "failed", found: message } : failed(message.slice(0, at), message.slice(at + 2));
}
