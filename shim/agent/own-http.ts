import { isDeepStrictEqual } from "node:util";
import type { AgentHttp, HttpAgent, Prepared } from "../listen/agent-http";
import type { Watchers } from "../listen/watchers";
import type { ListenSettings } from "./settings";

const NOTHING: Prepared = { take() {}, drop() {} };

/** The agent's HTTP, where it has one: that comes, moves and goes with its settings. */
export class OwnHttp {
  private http: AgentHttp | undefined;
  private held: ListenSettings | undefined;
  private readonly retired: AgentHttp[] = [];

  /** `agentOf` gives what it tells of, when that is first needed. */
  constructor(
    private readonly agentOf: () => HttpAgent,
    private readonly say: (line: string) => void,
  ) {}

  /** Those who watch round trips; absent while there is no HTTP. */
  get watchers(): Watchers | undefined {
    return this.http?.watchers;
  }

  /** Takes a sealed minute. */
  take(bundle: Uint8Array): void {
    this.http?.take(bundle);
  }

  /** Makes ready what settings want: it is in force when it is taken. Throws Failure. */
  async prepare(listen: ListenSettings | undefined, budgetBytes: number): Promise<Prepared> {
    const isSame = isDeepStrictEqual(listen, this.held);
    // Its own token is in a file, which may say another by now.
    if (isSame && (listen === undefined || listen.token !== undefined)) return NOTHING;
    const { http } = this;
    if (listen === undefined) return { take: () => this.retire(http), drop() {} };
    if (http !== undefined) {
      const { take, drop } = await http.move(listen);
      return { take: () => this.hold(http, listen, take), drop };
    }
    const { AgentHttp } = await import("../listen/agent-http");
    const opened = await AgentHttp.open(listen, budgetBytes, this.agentOf());
    return { take: () => this.hold(opened, listen), drop: () => void opened.close() };
  }

  /** Answers no more, once those who watch have what was told to them. */
  async close(): Promise<void> {
    for (const http of [...this.retired, this.http]) await http?.close();
  }

  private hold(http: AgentHttp, listen: ListenSettings, take = () => {}): void {
    take();
    const isNew = !isDeepStrictEqual(listen, this.held);
    this.http = http;
    this.held = listen;
    if (isNew) this.say(http.words);
  }

  private retire(http: AgentHttp | undefined): void {
    this.http = undefined;
    this.held = undefined;
    if (http === undefined) return;
    this.retired.push(http);
    void http.retire();
  }
}
