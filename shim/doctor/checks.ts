import { checkAddon } from "./addon";
import { checkCapability } from "./capability";
import { checkCapture } from "./capture";
import { checkClock } from "./clock";
import { checkCore } from "./core";
import { type Finding, failedBy } from "./finding";
import { checkHub } from "./hub";
import { checkInterfaces } from "./interfaces";
import { checkKey } from "./key";
import { checkLibpcap } from "./libpcap";
import { checkListen } from "./listen";
import { checkMemory } from "./memory";
import { checkNode } from "./node";
import { checkOwners } from "./owners";
import { checkSpool } from "./spool";
import type { Subject } from "./subject";
import { checkTls } from "./tls";
import { checkWords } from "./words";

/** All checks, in the order in which one needs another. */
const CHECKS: Readonly<Record<string, (subject: Subject) => Finding | Promise<Finding>>> = {
  node: () => checkNode(),
  core: checkCore,
  words: checkWords,
  addon: checkAddon,
  capability: checkCapability,
  libpcap: checkLibpcap,
  interfaces: checkInterfaces,
  capture: checkCapture,
  tls: checkTls,
  owners: checkOwners,
  memory: checkMemory,
  spool: checkSpool,
  listen: checkListen,
  hub: checkHub,
  key: checkKey,
  clock: checkClock,
};

/** A check and what it found. */
export interface NamedFinding extends Finding {
  name: string;
}

/** Errors that speak for themselves: the agent would end with them. */
const EXPECTED = new Set(["Failure", "CoreError"]);

/** Looks at all that an agent needs, and gives what is found as it is found. */
export async function* examine(subject: Subject): AsyncGenerator<NamedFinding> {
  for (const [name, check] of Object.entries(CHECKS)) yield { name, ...(await run(check, subject)) };
}

async function run(check: (subject: Subject) => Finding | Promise<Finding>, subject: Subject): Promise<Finding> {
  try {
    return await check(subject);
  } catch (error) {
    if (error instanceof Error && EXPECTED.has(error.name)) return failedBy(error);
    throw error;
  }
}
