/** Runs the checks of `npm test` one after the other and counts every one of them. */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { ROOT, run, say, tool } from "./run.mjs";
import { SECOND_TRY } from "./second-tries.mjs";

/** What the checks came to so far, the names of those that failed, and lines for those that did not at the second try. */
export const tally = { passed: 0, failed: 0, failures: [], secondTries: [] };

/** Output goes through a pipe, so what runs cannot see for itself whether a terminal is there. */
const COLOUR = process.stdout.isTTY ? { FORCE_COLOR: "1" } : { NO_COLOR: "1" };

/** Announces a part of the run. */
export function part(name) {
  say(`\n== ${name}`);
}

/** Counts one check and names it where it failed. */
export function count(passed, name) {
  if (passed) {
    tally.passed += 1;
    return;
  }
  fail(name);
  say(`FAILED: ${name}`);
}

function fail(name) {
  tally.failed += 1;
  tally.failures.push(name);
}

/** Runs a program as one check, its output going to the terminal; gives that output. */
export async function checkProgram(name, command) {
  part(name);
  const { code, output } = await run(command, { show: true });
  count(code === 0, name);
  return output;
}

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

/** The failed tests of a report, each with its file. */
function failedTests(testResults) {
  return testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.filter(({ status }) => status === "failed").map((test) => [relative(ROOT, name), test]),
  );
}

function firstLine({ failureMessages = [] }) {
  return String(failureMessages[0] ?? "").split("\n", 1)[0];
}

/**
 * Runs vitest with these words and counts each of its tests; `node` is the Node that runs it. With `hasPrograms` a test that fails is tried once
 * more, and said where it passes then: other programs and the clock take part in it, and the machine may have kept one of them waiting.
 */
export async function checkVitest(name, words, { node = process.execPath, env = {}, hasPrograms = false } = {}) {
  part(name);
  const report = join(ROOT, "build/results", `${name.replaceAll(/\W+/g, "-")}.json`);
  mkdirSync(dirname(report), { recursive: true });
  rmSync(report, { force: true });
  const [, script] = tool("vitest/vitest.mjs");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  if (hasPrograms) reporters.push("--reporter=./scripts/lib/second-tries.mjs", "--retry=1");
  const { code, output } = await run([node, script, "run", ...words, ...reporters], { show: true, env: { ...COLOUR, ...env } });
  tally.secondTries.push(...output.split("\n").filter((line) => line.startsWith(SECOND_TRY)));
  const { numPassedTests = 0, numFailedTests = 0, numPendingTests = 0, testResults = [] } = readReport(report) ?? {};
  tally.passed += numPassedTests;
  for (const [file, test] of failedTests(testResults)) fail(`${name}: ${file} > ${test.fullName}: ${firstLine(test)}`);
  if (numPendingTests > 0) say(`${numPendingTests} not run: see their names above`);
  // A file that does not load, an error outside a test, or no test at all fails the run without a failed test.
  if (numFailedTests === 0 && (code !== 0 || numPassedTests === 0)) count(false, `${name}: vitest ended with ${code}`);
}
