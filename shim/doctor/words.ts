import { wordsOf } from "../agent/settings";
import { accountFor } from "../capture/privileges";
import { type Finding, ok } from "./finding";
import type { Subject } from "./subject";

/** Whether what an agent is told of its traffic and its user can be understood. Throws Failure. */
export function checkWords({ options }: Subject): Finding {
  wordsOf(options);
  accountFor(options.user, true);
  return ok("networks, labels, tags, forced protocols and the user are understood");
}
