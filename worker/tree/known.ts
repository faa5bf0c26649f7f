import { SHARD_MAPS_KNOWN_MAX } from "../limits";

/** What this isolate asked tenants' roots for lately, each for so many seconds; of too many tenants the one asked longest ago is forgotten. */
export class Known<Fact> {
  private readonly facts = new Map<string, { fact: Fact; untilMs: number }>();

  constructor(private readonly seconds: number) {}

  /** A tenant's fact, asked for where it is not known. */
  async get(tenant: string, ask: () => Promise<Fact>): Promise<Fact> {
    const found = this.facts.get(tenant);
    if (found !== undefined && Date.now() < found.untilMs) return found.fact;
    const fact = await ask();
    this.facts.delete(tenant);
    this.facts.set(tenant, { fact, untilMs: Date.now() + this.seconds * 1000 });
    const [oldest] = this.facts.keys();
    if (this.facts.size > SHARD_MAPS_KNOWN_MAX) this.facts.delete(oldest!);
    return fact;
  }

  /** Forgets a tenant's fact, so that it is asked for again. */
  forget(tenant: string): void {
    this.facts.delete(tenant);
  }
}
