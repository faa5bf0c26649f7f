import type { Environment } from "../environment";
import { PARENT_ANSWER_MS_MAX } from "../limits";
import { parseName } from "../names";
import { within } from "../patience";
import { epochOf, type ShardMap, type Standing } from "../tree/shard-map";
import { webhookOf } from "../webhook";
import type { EdgeStates } from "./edge-states";
import { EventLog } from "./event-log";
import { messageOf } from "./not-now";
import type { Registry } from "./registry";
import { readText, writeText } from "./schema";
import { Watch } from "./watch";
import { Webhook } from "./webhook";

/** Where an object stands as it looks: nothing above it, and then the map is its own; else its own name and its parent's. */
export interface Place {
  standing: Standing | null;
  map: ShardMap;
}

/** Sees to it that troubles of edges and shards are told: to who asks, and to the webhook. */
export class Lookout {
  readonly log: EventLog;
  private readonly watch: Watch;
  private readonly webhook: Webhook;
  /** The object's own name, which it is not told in an alarm everywhere. */
  private readonly name: string;

  constructor(
    private readonly state: DurableObjectState,
    private readonly environment: Environment,
    registry: Registry,
    edges: EdgeStates,
  ) {
    const { sql } = state.storage;
    const known = readText(sql, "name");
    this.name = state.id.name ?? known ?? "";
    if (known === null && this.name !== "") writeText(sql, "name", this.name);
    this.log = new EventLog(sql, webhookOf(environment) !== null);
    this.watch = new Watch(sql, this.log, registry, edges);
    this.webhook = new Webhook(this.log, environment);
  }

  /** Looks once; what there is to tell is posted by itself. */
  async look({ standing, map: own }: Place, nowMs: number, periodSeconds: number): Promise<void> {
    // A shard asks for the map only where it has seen something: after a change its edges are elsewhere.
    const asked = standing === null || this.watch.isQuiet ? null : await this.mapOf(standing.parent);
    const epoch = epochOf(asked ?? own, nowMs / 1000);
    const takesEdges =
      standing === null ? (epoch?.tag ?? null) === null : asked === null || epoch?.epoch === parseName(this.name).epoch;
    const epochs = { takesEdges, ofShards: epoch?.epoch ?? null };
    this.state.storage.transactionSync(() => this.watch.look(nowMs, periodSeconds, epochs));
    this.state.waitUntil(this.webhook.deliver(parseName(this.name).tenant, this.name, nowMs, periodSeconds));
  }

  /** The tenant's map as its root has it; null where the root does not say, which keeps no trouble of edges from being told. */
  private async mapOf(root: string): Promise<ShardMap | null> {
    const asked: Promise<ShardMap> = this.environment.HUB.getByName(root).shardMap();
    try {
      return await within(PARENT_ANSWER_MS_MAX, asked, () => new Error(`${root} does not answer`));
    } catch (error) {
      console.error(`the shard map is not known: ${messageOf(error)}`);
      return null;
    }
  }
}
