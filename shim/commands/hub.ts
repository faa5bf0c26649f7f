import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Failure, reasonOf } from "../failure";
import { type LocalHub, startLocalHub } from "../hub/local-hub";
import { stateFolder } from "../state-folder";

/** The words of `tallywire hub`. */
export interface HubOptions {
  data?: string;
  port: number;
  host: string;
  keepMinutes?: string;
  keepHours?: string;
  keepDays?: string;
  webhook?: string;
  set?: string[];
}

/** Settings of the Worker beyond those with an option of their own; docs/hub.md says what they do. */
const SETTINGS = [
  ...[
    "EDGE_BUNDLES_PER_MINUTE",
    "EDGE_BYTES_PER_MINUTE",
    "MAX_EDGES",
    "MAX_TAG_NAMES",
    "MAX_TAG_VALUES",
    "BODY_SECONDS",
    "SEAL_PERIOD_SECONDS",
    "REQUIRE_SIGNATURE",
  ],
];

const LOOPBACK = /^(localhost|127\.[\d.]+|::1|\[::1\])$/;

/** `tallywire hub`: serves a hub on a local folder until it is told to end. Gives the exit code. */
export async function hub(options: HubOptions): Promise<number> {
  const dataFolder = options.data ?? stateFolder("hub");
  const kept = { KEEP_MINUTES: options.keepMinutes, KEEP_HOURS: options.keepHours, KEEP_DAYS: options.keepDays };
  const settings: Record<string, string | undefined> = {
    ...kept,
    ...settingsOf(options.set),
    WEBHOOK_URL: webhookOf(options.webhook),
  };
  const variables = Object.fromEntries(
    Object.entries(settings).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const { host, port } = options;
  let running: LocalHub;
  try {
    running = await startLocalHub({ dataFolder, ...builtFolders(), host, port, variables });
  } catch (error) {
    const isSystem = /^E[A-Z]+$/.test((error as NodeJS.ErrnoException).code ?? "");
    const why = isSystem ? `cannot use the folder ${dataFolder}: ${reasonOf(error)}; name another with --data` : null;
    throw new Failure(why ?? (error instanceof Error ? error.message : String(error)), 1, { cause: error });
  }
  // Whoever reads that it runs may end it at once.
  const told = untilTold();
  try {
    await checkSettings(running);
    process.stdout.write(`A hub runs at ${running.origin}; its data is in ${dataFolder}\n`);
    process.stderr.write(hints(options, dataFolder));
    const isTold = await Promise.race([told, running.ended.then(() => false)]);
    if (isTold) return 0;
    throw new Failure(`the hub's process ended by itself; its log is ${running.logPath}`);
  } finally {
    await running.stop();
  }
}

/** `NAME=value`, each of a setting that there is. Throws Failure. */
function settingsOf(words: readonly string[] = []): Record<string, string> {
  const entries = words.map((word): [string, string] => {
    const at = word.indexOf("=");
    const name = word.slice(0, Math.max(0, at));
    if (SETTINGS.includes(name)) return [name, word.slice(at + 1)];
    throw new Failure(`"${word}" is no setting of a hub; write NAME=value with one of ${SETTINGS.join(", ")}`, 2);
  });
  return Object.fromEntries(entries);
}

/** The address that events are posted to. Throws Failure. */
function webhookOf(given: string | undefined): string | undefined {
  if (given === undefined) return undefined;
  const url = URL.canParse(given) ? new URL(given) : null;
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && LOOPBACK.test(url.hostname));
  if (isSafe && url?.username === "") return given;
  throw new Failure(`"${given}" is no address for events; write it as https://example.com/hook, or http on this host`, 2);
}

/** The Worker and the page, as they were built beside this program. */
function builtFolders(): { workerFolder: string; assetsFolder: string } {
  const built = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));
  if (!existsSync(built("hub/index.js")))
    throw new Failure("the agent's package has no hub; run tallywire hub in a clone of the project, or use a hub elsewhere");
  return { workerFolder: built("hub"), assetsFolder: built("web") };
}

/** Asks the hub whether it takes its settings; only it knows. */
async function checkSettings({ origin }: LocalHub): Promise<void> {
  const response = await fetch(`${origin}/v1/hello`).catch((cause: Error) => {
    throw new Failure(`the hub does not answer at ${origin}: ${reasonOf(cause.cause ?? cause)}`, 1, { cause });
  });
  if (response.ok) return;
  const { reason } = (await response.json()) as { reason?: string };
  throw new Failure(`the hub does not start: ${reason}`, 2);
}

function hints({ data, host }: HubOptions, dataFolder: string): string {
  const where = data === undefined ? "" : ` --data ${dataFolder}`;
  const lines = [`keys: tallywire keys write TENANT EDGE${where}, tallywire keys read TENANT${where}`];
  if (!LOOPBACK.test(host)) lines.push("other hosts reach it without TLS: let a proxy with TLS stand before it");
  return lines.map((line) => `tallywire: ${line}\n`).join("");
}

/** Settles when somebody wants this to end. */
function untilTold(): Promise<true> {
  return new Promise((settle) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => settle(true));
  });
}
