import { existsSync } from "node:fs";
import { deriveKey, importMaster, type KeyHolder, type KeyKind, MASTER_LENGTH_MIN, webhookSecret } from "../../engine/keys";
import { Failure } from "../failure";
import { masterKeyPath, openMasterKey } from "../hub/master-key";
import { table } from "../output/table";
import { printText } from "../output/text-output";
import { stateFolder } from "../state-folder";
import { conditions } from "./query";

/** The words of `tallywire keys`. */
export interface KeysOptions {
  data?: string;
  output?: "json";
  where?: string[];
}

/** Holds the master of a hub elsewhere, the secret MASTER_KEY of its Worker. */
const MASTER_VARIABLE = "TALLYWIRE_MASTER_KEY";

/** `tallywire keys`: derives keys from a hub's master; the hub need not run. Gives the exit code. */
export async function keys(
  kind: KeyKind | "webhook",
  tenant: string,
  edges: readonly string[],
  options: KeysOptions,
): Promise<number> {
  if (kind === "webhook") return printSecret(tenant, options);
  if (kind === "write" && edges.length === 0) throw new Failure("a write key is of one edge; name the edges", 2);
  if (kind !== "write" && edges.length > 0) throw new Failure(`a ${kind} key is of a whole tenant; leave the edges out`, 2);
  const where = limitsOf(kind, options.where);
  const master = await importMaster(masterOf(options.data));
  const holders = (kind === "write" ? edges : [""]).map((edge): KeyHolder => ({ kind, tenant, edge, ...where }));
  const keysMade: { edge: string; key: string }[] = [];
  for (const holder of holders) keysMade.push({ edge: holder.edge, key: await made(() => deriveKey(master, holder)) });
  await printText(textOf(kind, tenant, keysMade, options.output));
  return 0;
}

/** Prints what events of a tenant are signed with. */
async function printSecret(tenant: string, { data, output }: KeysOptions): Promise<number> {
  const secret = await made(() => webhookSecret(masterOf(data), tenant));
  await printText(output === "json" ? `${JSON.stringify([{ kind: "webhook", tenant, key: secret }], null, 2)}\n` : `${secret}\n`);
  return 0;
}

/** What a read key is limited to; nothing where it is not. Throws Failure. */
function limitsOf(kind: KeyKind, words: readonly string[] | undefined): Pick<KeyHolder, "where"> {
  if (words === undefined) return {};
  if (kind !== "read") throw new Failure(`a ${kind} key takes no --where; a read key does`, 2);
  const where = Object.entries(conditions(words) ?? {}).map(([tag, condition]) => {
    const negated = !Array.isArray(condition);
    return { tag, values: negated ? condition.not : condition, negated };
  });
  return { where };
}

/** The master: the variable's, or a local hub's; what was named goes first. */
function masterOf(data: string | undefined): string {
  const given = process.env[MASTER_VARIABLE];
  const folder = data ?? stateFolder("hub");
  if (data === undefined && given !== undefined && given !== "") {
    if (given.length >= MASTER_LENGTH_MIN) return given;
    throw new Failure(`${MASTER_VARIABLE} has ${given.length} characters; a master key has at least ${MASTER_LENGTH_MIN}`, 2);
  }
  if (existsSync(masterKeyPath(folder))) return checkMaster(openMasterKey(folder), folder);
  const reason = `there is no hub's master key in ${folder}`;
  throw new Failure(`${reason}; start tallywire hub first, name its --data folder, or set ${MASTER_VARIABLE}`, 2);
}

function checkMaster(master: string, folder: string): string {
  if (master.length >= MASTER_LENGTH_MIN) return master;
  const mend = "put it back, or delete it: the hub then makes another, and all its keys are new";
  throw new Failure(`the hub's master key ${masterKeyPath(folder)} has only ${master.length} characters; ${mend}`);
}

/** What is made of a master; what it cannot be made of is the caller's words. */
async function made(make: () => Promise<string>): Promise<string> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(error instanceof Error ? error.message : String(error), 2);
  }
}

/** One key stands alone, so that a script takes it as it is; several have their edges beside them. */
function textOf(
  kind: KeyKind,
  tenant: string,
  made: readonly { edge: string; key: string }[],
  output: "json" | undefined,
): string {
  if (output === "json") {
    const rows = made.map(({ edge, key }) => ({ kind, tenant, ...(edge === "" ? {} : { edge }), key }));
    return `${JSON.stringify(rows, null, 2)}\n`;
  }
  if (made.length === 1) return `${made[0]!.key}\n`;
  return table(
    [{ title: "edge" }, { title: "key" }],
    made.map(({ edge, key }) => [edge, key]),
  );
}
