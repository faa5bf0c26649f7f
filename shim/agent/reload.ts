import { isDeepStrictEqual } from "node:util";
import { type Held, type Resolved, resolveConfig } from "../config/resolve";
import { Failure } from "../failure";
import type { Agent } from "./agent";
import { type AgentOptions, agentSettings } from "./settings";

/** Has an agent take over what a configuration says anew. Where anything of it cannot be, all stays as it was. */
export class Reload {
  private held: readonly Held[];
  private under: Promise<void> = Promise.resolve();

  /** `given` is what the command line says, which still goes first, and `first` what it came to when the agent began. */
  constructor(
    private readonly given: AgentOptions & { config?: string },
    first: Resolved,
    private readonly agent: Pick<Agent, "take">,
    private readonly say: (line: string) => void,
  ) {
    this.held = first.held;
  }

  /** Reads it again, one time after the other; resolves when it is in force, or was refused with a line that says why. */
  now(): Promise<void> {
    this.under = this.under.then(() => this.reload());
    return this.under;
  }

  private async reload(): Promise<void> {
    try {
      const { options, held, warnings } = resolveConfig(this.given);
      for (const line of warnings) this.say(line);
      const changed = changedKeys(this.held, held);
      const fixed = changed.filter(({ mayChange }) => !mayChange).map(({ path }) => path);
      if (fixed.length > 0) throw new Failure(`${fixed.join(", ")} can change only when the agent is started anew`);
      await this.agent.take(agentSettings(options));
      this.held = held;
      const paths = changed.map(({ path }) => path).join(", ");
      this.say(paths === "" ? "the configuration says what it said" : `the configuration was read again: ${paths} changed`);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.say(`the configuration stays as it was: ${error.message}`);
      for (const line of error.below) this.say(line);
    }
  }
}

function changedKeys(before: readonly Held[], after: readonly Held[]): Held["key"][] {
  const valueIn = (held: readonly Held[], path: string) => held.find(({ key }) => key.path === path)?.value;
  const keys = new Set([...before, ...after].map(({ key }) => key));
  return [...keys].filter(({ path }) => !isDeepStrictEqual(valueIn(before, path), valueIn(after, path)));
}
