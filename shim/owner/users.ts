import { readFileSync, statSync } from "node:fs";

/** How long this host's list of users is taken for what it was, ms. */
const STANDS_MS = 60_000;

/** Names of this host's users by their numbers. */
export class Users {
  private names = new Map<number, string>();
  private readMs = Number.NEGATIVE_INFINITY;
  private changedMs = 0;

  constructor(
    private readonly path = "/etc/passwd",
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** A user's name; its number where it has none. */
  nameOf(user: number): string {
    if (this.now() - this.readMs >= STANDS_MS) this.refresh();
    return this.names.get(user) ?? String(user);
  }

  private refresh(): void {
    this.readMs = this.now();
    try {
      const { mtimeMs } = statSync(this.path);
      if (mtimeMs === this.changedMs) return;
      const entries = readFileSync(this.path, "utf8").split("\n");
      const named = entries.map((line) => line.split(":")).filter(({ length }) => length > 3);
      this.names = new Map(named.map(([name = "", , number]) => [Number(number), name]));
      this.changedMs = mtimeMs;
    } catch {
      // Numbers say as much.
    }
  }
}
