/** What was refused of a tenant's edges: told by Workers, gathered from all its objects. */
import type { Reader } from "../authorize";
import type { Environment } from "../environment";
import { REFUSALS_GATHERED_MS, ROWS_MAX } from "../limits";
import { formatName, rootOf } from "../names";
import { addRefusal, type RefusalCount, type RefusalHour } from "../object/refusals";
import { Refusal, type Refused } from "../refusal";
import { askObjects } from "./fan-out";
import { edgesOf } from "./fleet";

/** What this isolate refused and the tenant's root does not know yet. */
const gathered = new Map<string, Map<string, RefusalCount>>();

/** Counts what is refused before any object sees it; the answer does not wait for it. */
export function noteRefusal(
  environment: Environment,
  execution: { waitUntil(promise: Promise<unknown>): void },
  { tenant, edge }: { tenant: string; edge: string },
  { code, reason }: Refused,
): void {
  let counts = gathered.get(tenant);
  if (counts === undefined) {
    counts = new Map();
    gathered.set(tenant, counts);
    execution.waitUntil(tellRoot(environment, tenant));
  }
  addRefusal(counts, { edge, code, count: 1, reason, lastMs: Date.now() });
}

async function tellRoot(environment: Environment, tenant: string): Promise<void> {
  await new Promise((done) => setTimeout(done, REFUSALS_GATHERED_MS));
  const counts = [...(gathered.get(tenant)?.values() ?? [])];
  gathered.delete(tenant);
  try {
    await environment.HUB.getByName(formatName(rootOf(tenant))).noteRefusals(counts);
  } catch (error) {
    console.error(`refusals of ${tenant} are not counted: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** What all objects refused of the edges that a reader may see, in the hours that begin in [from, to). */
export async function refusalsOf(environment: Environment, reader: Reader, from: number, to: number): Promise<RefusalHour[]> {
  const all: RefusalHour[] = [];
  let counts = 0;
  const refused = await askObjects<{ hours: RefusalHour[] }>(
    environment,
    reader.tenant,
    { from: 0, to: Number.POSITIVE_INFINITY, tagConditions: [] },
    async (object) => ({ hours: await object.listRefusals(from, to) }),
    ({ hours }) => {
      all.push(...hours);
      counts += hours.reduce((sum, hour) => sum + hour.counts.length, 0);
      const reason = `there are more than ${ROWS_MAX} kinds of refusals in it; take a shorter window`;
      return counts > ROWS_MAX ? { status: 422, code: "too_much", reason } : null;
    },
  );
  if (refused !== null) throw Refusal.of(refused);
  if (reader.where.length === 0) return all;
  const seen = new Set((await edgesOf(environment, reader)).map(({ edge }) => edge));
  return all.map(({ hour, counts: of }) => ({ hour, counts: of.filter(({ edge }) => edge !== null && seen.has(edge)) }));
}
