import { isDeepStrictEqual } from "node:util";
import { mergingCore } from "../agent/interface-reader";
import type { ListenSettings } from "../agent/settings";
import { ownToken } from "./guard";
import type { Told } from "./routes";
import { type Listener, listen } from "./server";
import { Totals } from "./totals";
import { Watchers } from "./watchers";
import { RecentMinutes } from "./window";

/** What has been made ready, and is to be taken or dropped. */
export interface Prepared {
  take(): void;
  drop(): void;
}

/** What an agent tells and can be told by HTTP. */
export interface HttpAgent extends Omit<Told, "totals" | "recent" | "watchers"> {
  /** Has round trips come to the watchers from now on, or not. */
  tellEvents(isWanted: boolean): void;
}

/** What an agent answers by HTTP, and what it keeps for that alone. */
export class AgentHttp {
  /** Places that it has left, where somebody may still be answered. */
  private readonly left: Listener[] = [];

  private constructor(
    private readonly told: Told,
    private settings: ListenSettings,
    private listener: Listener,
  ) {}

  /** Opens it. What it adds up has a core of its own, which is there only then. Throws Failure. */
  static async open(settings: ListenSettings, budgetBytes: number, agent: HttpAgent): Promise<AgentHttp> {
    const core = mergingCore(budgetBytes);
    const watchers = new Watchers(core, agent.tellEvents);
    const told = { ...agent, totals: new Totals(core), recent: new RecentMinutes(core), watchers };
    return new AgentHttp(told, settings, await listen(settings.address, tokenOf(settings), told));
  }

  /** Where it answers and where its token is, for the person who starts it. */
  get words(): string {
    return `metrics are at ${this.listener.words}; the token is in ${this.settings.tokenPath}`;
  }

  /** Those who watch round trips. */
  get watchers(): Watchers {
    return this.told.watchers;
  }

  /** Takes a sealed minute. */
  take(bundle: Uint8Array): void {
    this.told.totals.add(bundle);
    this.told.recent.add(bundle);
  }

  /** Makes another place or token ready; what it counts goes on. Throws Failure. */
  async move(settings: ListenSettings): Promise<Prepared> {
    const { listener } = this;
    const token = tokenOf(settings);
    const isSame = isDeepStrictEqual(settings.address, this.settings.address);
    const next = isSame ? listener : await listen(settings.address, token, this.told);
    return {
      take: () => {
        this.settings = settings;
        this.listener = next;
        if (isSame) listener.takeToken(token);
        else this.leave(listener);
      },
      drop: () => {
        if (!isSame) next.close();
      },
    };
  }

  /** Answers nothing new, and ends what is watched; whoever is being answered is answered. */
  async retire(): Promise<void> {
    this.leave(this.listener);
    await this.watchers.end();
  }

  /** Answers no more, once those who watch have what was told to them. */
  async close(): Promise<void> {
    // A server that closes cuts off what it has not sent yet.
    await this.watchers.end();
    for (const listener of [...this.left, this.listener]) listener.close();
  }

  private leave(listener: Listener): void {
    this.left.push(listener);
    listener.leave();
  }
}

function tokenOf({ token, tokenPath }: ListenSettings): string {
  return token ?? ownToken(tokenPath);
}
