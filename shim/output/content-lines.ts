import type { FieldValue, MessageFields, RoundTrip } from "../../engine/round-trip";
import { printable } from "./printable";

/** Headers, bodies and trailers of a round trip, indented, a line each, `>` before the request's and `<` before the response's; empty where none are kept. */
export function contentLines({ request, response }: RoundTrip): string {
  return [...sideLines(">", request), ...sideLines("<", response)].map((line) => `    ${line}\n`).join("");
}

function sideLines(sign: string, message: MessageFields | undefined): string[] {
  const body = String(message?.body ?? "");
  const parts = [
    rowLines(message?.headers),
    // What ends the last line begins no other.
    body === "" ? [] : body.replace(/\r?\n$/, "").split(/\r?\n/),
    message?.headers === undefined ? [] : rowLines(message.trailers),
  ];
  return parts
    .filter((lines) => lines.length > 0)
    .flatMap((lines, index) => (index === 0 ? lines : ["", ...lines]))
    .map((line) => `${sign} ${printable(line)}`.trimEnd());
}

function rowLines(rows: FieldValue | undefined): string[] {
  return ((rows ?? []) as { name: string; value: string }[]).map(({ name, value }) => `${name}: ${value}`);
}
