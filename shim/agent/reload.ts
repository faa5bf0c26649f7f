import { isDeepStrictEqual } from "node:util";
import { CoreError } from "../../engine/core";
import { type Held, type Resolved, resolveConfig } from "../config/resolve";
import { Failure, reasonOf } from "../failure";
import type { Agent } from "./agent";
import { deniedSince } from "./denied";
import type { LevelledLog } from "./log-level";
import { type AgentOptions, agentSettings } from "./settings";

/** What came of it. */
export interface ReloadOutcome {
  /** Paths of the keys that have another value now. */
  changed: readonly string[];
  /** From which packets on the capture began anew, ms since the epoch; absent where it went on. */
  sinceMs?: number | undefined;
  /** Why all stays as it was, with lines below it; absent where it does not. */
  reason?: string;
  below?: readonly string[];
  /** Paths of keys that had another value and cannot change while the agent runs. */
  refused?: readonly string[];
}

/** Has an agent take over what a configuration says anew. Where anything of it cannot be, all stays as it was. */
export class Reload {
  private held: readonly Held[];
  private readonly file: string | undefined;
  private under: Promise<unknown> = Promise.resolve();

  /** `given` is what the command line says, which still goes first, and `first` what it came to when the agent began. */
  constructor(
    private readonly given: AgentOptions & { config?: string },
    first: Resolved,
    private readonly agent: Pick<Agent, "take" | "isLive" | "account" | "edge">,
    private readonly log: LevelledLog,
  ) {
    this.held = first.held;
    this.file = first.file?.path;
  }

  /** Reads it again, one time after the other; resolves when it is in force, or was refused. Says what came of it. */
  now(): Promise<ReloadOutcome> {
    const outcome = this.under.then(() => this.reload());
    this.under = outcome.catch(() => {});
    return outcome;
  }

  private async reload(): Promise<ReloadOutcome> {
    try {
      const { options, held, warnings } = resolveConfig(this.given);
      for (const line of warnings) this.log.info(line);
      const keys = changedKeys(this.held, held);
      const refused = keys
        .filter(({ changes }) => changes === undefined || (changes === "live" && !this.agent.isLive))
        .map(({ path }) => path);
      if (refused.length > 0)
        return this.stays(new Failure(`${refused.join(", ")} can change only when the agent is started anew`), refused);
      // Without a name of its own an edge has the host's, as it was when the agent began.
      const { edge = options.key === undefined ? this.agent.edge : undefined } = options;
      const sinceMs = await this.agent.take(agentSettings({ ...options, edge }));
      this.held = held;
      const changed = keys.map(({ path }) => path);
      const from = sinceMs === undefined ? "" : `, with packets from ${new Date(sinceMs).toISOString()} on`;
      const words = `the configuration was read again: ${changed.join(", ")} changed${from}`;
      this.log.info(changed.length === 0 ? "the configuration says what it said" : words);
      return { changed, sinceMs };
    } catch (error) {
      if (error instanceof CoreError) return this.stays(new Failure(reasonOf(error)));
      if (!(error instanceof Failure)) throw error;
      return this.stays(deniedSince(error, this.agent.account, this.file));
    }
  }

  private stays({ message, below }: Failure, refused: readonly string[] = []): ReloadOutcome {
    this.log.error(`the configuration stays as it was: ${message}`);
    for (const line of below) this.log.error(line);
    return { changed: [], reason: message, below, refused };
  }
}

function changedKeys(before: readonly Held[], after: readonly Held[]): Held["key"][] {
  const valueIn = (held: readonly Held[], path: string) => held.find(({ key }) => key.path === path)?.value;
  const keys = new Set([...before, ...after].map(({ key }) => key));
  return [...keys].filter(({ path }) => !isDeepStrictEqual(valueIn(before, path), valueIn(after, path)));
}
