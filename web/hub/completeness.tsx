import { count } from "../parts/format";
import type { AnswerMeta } from "./client";

/** Names that are written out. */
const NAMES_MAX = 8;

/** Whose figures are in, until when: no figure of the hub stands without it. */
export function Completeness({ meta }: { meta: AnswerMeta }) {
  const { before } = meta;
  return (
    <p class="completeness" role="status">
      <Words meta={meta} />
      {before === undefined || before.complete ? null : ` ${beforeText(before)}`}
    </p>
  );
}

function Words({ meta }: { meta: AnswerMeta }) {
  const until = `${meta.complete_until.slice(0, 16).replace("T", " ")} UTC`;
  if (meta.complete) {
    return (
      <>
        <span class="status ok">complete</span> Every expected host has reported up to {until}.
      </>
    );
  }
  const { missing_edges_count: missing, set_apart: apart } = meta;
  if (missing === 0) {
    return (
      <>
        <span class="status timeout">incomplete</span> {count(apart)} {apart === 1 ? "bundle is" : "bundles are"} left out, since{" "}
        {apart === 1 ? "it does" : "they do"} not merge with the others.
      </>
    );
  }
  return (
    <>
      <span class="status timeout">incomplete</span> {count(missing)} {missing === 1 ? "host has" : "hosts have"} minutes missing
      before {until}: {missingText(meta)}.
    </>
  );
}

function beforeText({ missing_edges_count: missing }: NonNullable<AnswerMeta["before"]>): string {
  if (missing === 0) return "The period before is incomplete too.";
  return `In the period before ${count(missing)} ${missing === 1 ? "host has" : "hosts have"} minutes missing.`;
}

function missingText({
  missing_edges: names,
  missing_edges_count: missing,
}: Pick<AnswerMeta, "missing_edges" | "missing_edges_count">) {
  const shown = names.slice(0, NAMES_MAX).join(", ");
  return missing > NAMES_MAX ? `${shown} and ${count(missing - NAMES_MAX)} others` : shown;
}
