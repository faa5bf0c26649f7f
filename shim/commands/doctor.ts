import { formatNumberOf } from "../../engine/units";
import type { AgentOptions } from "../agent/settings";
import { say } from "../capture/session";
import { resolveConfig } from "../config/resolve";
import { examine, type NamedFinding } from "../doctor/checks";
import type { Status } from "../doctor/finding";
import { type Paint, paletteFor } from "../output/colour";
import { printable } from "../output/printable";
import { TextOutput } from "../output/text-output";

/** The words of `tallywire doctor`: those of an agent on an interface. */
export interface DoctorOptions extends Omit<AgentOptions, "file"> {
  config?: string;
  output?: "json";
}

const STATUS_WIDTH = 7;
const NAME_WIDTH = 10;
const MEND_INDENT = " ".repeat(STATUS_WIDTH + NAME_WIDTH + 4);

/** `tallywire doctor`: says what an agent with these words would miss on this host, and what mends it. Gives the exit code. */
export async function doctor({ output: form, ...given }: DoctorOptions): Promise<number> {
  const { options, warnings } = resolveConfig(given);
  for (const line of warnings) say(line);
  const output = new TextOutput(process.stdout);
  const checks: NamedFinding[] = [];
  const paints = paintsOf();
  for await (const finding of examine({ options })) {
    checks.push(finding);
    if (form === "json") continue;
    output.write(linesOf(finding, paints));
    output.push();
  }
  const failures = checks.filter(({ status }) => status === "failed").length;
  output.write(form === "json" ? `${JSON.stringify({ failed: failures, checks }, null, 2)}\n` : summaryOf(checks, failures));
  await output.end();
  return failures === 0 ? 0 : 1;
}

function paintsOf(): Record<Status, Paint> {
  const { good, unsure, bad, faint } = paletteFor(process.stdout);
  return { ok: good, warning: unsure, failed: bad, skipped: faint };
}

function linesOf({ name, status, found, mend }: NamedFinding, paints: Record<Status, Paint>): string {
  const line = `${paints[status](status.padEnd(STATUS_WIDTH))}  ${name.padEnd(NAME_WIDTH)}  ${printable(found)}\n`;
  return mend === undefined ? line : `${line}${MEND_INDENT}-> ${printable(mend)}\n`;
}

function summaryOf(checks: readonly NamedFinding[], failures: number): string {
  const warnings = checks.filter(({ status }) => status === "warning").length;
  if (failures === 0 && warnings === 0) return "an agent would work here\n";
  const words = warnings === 0 ? "" : `${failures === 0 ? "" : ", "}${formatNumberOf(warnings, "warning")}`;
  return failures === 0
    ? `an agent would work here, with ${words}\n`
    : `an agent would not work here: ${failures} failed${words}\n`;
}
