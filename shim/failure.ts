/** What ends a command: one line that says what, why, and what mends it. */
export class Failure extends Error {
  override name = "Failure";
  /** What stands below the line: lines of text. */
  readonly below: readonly string[];

  constructor(
    message: string,
    readonly exitCode: 1 | 2 = 1,
    options?: ErrorOptions & { below?: readonly string[] },
  ) {
    super(message, options);
    this.below = options?.below ?? [];
  }
}

/** Why the system refused, in words. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case "ENOENT":
      return "there is no such file";
    case "EACCES":
    case "EPERM":
      return "you may not read it";
    case "EISDIR":
      return "it is a folder";
    case "ENOSPC":
      return "the disk is full";
    default:
      return message ?? String(error);
  }
}
