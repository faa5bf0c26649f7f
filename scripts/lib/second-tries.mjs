/** A reporter for vitest: a line for each test that failed at first and passed when it was tried again. */
import { relative } from "node:path";
import { ROOT } from "./run.mjs";

/** What such a line begins with. */
export const SECOND_TRY = "passed at the second try: ";

function firstLine(errors) {
  return String(errors?.[0]?.message ?? "").split("\n", 1)[0];
}

export default class SecondTries {
  #lines = [];

  onTestCaseResult(test) {
    if (!test.diagnostic()?.flaky) return;
    this.#lines.push(
      `${SECOND_TRY}${relative(ROOT, test.module.moduleId)} > ${test.fullName}: ${firstLine(test.result().errors)}`,
    );
  }

  onTestRunEnd() {
    for (const line of this.#lines) process.stdout.write(`${line}\n`);
  }
}
