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
    case "ENOTDIR":
      return "a file stands where it should have a folder";
    case "EEXIST":
      return "a file of that name is there";
    case "ENOSPC":
      return "the disk is full";
    default:
      return message ?? String(error);
  }
}

/** Why the system refused to write, in words. */
export function reasonToWrite(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return "its folder is not there";
  return code === "EACCES" || code === "EPERM" || code === "EROFS" ? "you may not write there" : reasonOf(error);
}
