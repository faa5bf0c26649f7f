import type { FieldSchema, ProtocolSchema } from "../../engine/schema";
import { loadCore } from "../core";
import { table } from "../output/table";
import { printText } from "../output/text-output";

/** `tallywire protocols`: what is recognised, and the fields of its round trips. */
export async function protocols(options: { output?: "json" }): Promise<number> {
  const known = loadCore({}).schema.protocols;
  await printText(options.output === "json" ? `${JSON.stringify(known, null, 2)}\n` : known.map(describe).join("\n"));
  return 0;
}

function describe({ name, ports, help, fields }: ProtocolSchema): string {
  const rows = fields.map((field) => [`${field.side}.${field.name}`, typeOf(field)]);
  return `${name}  ${help} Expected on port ${ports.replaceAll(",", ", ")}, recognised on any.\n\n${indented(table([{ title: "field" }, { title: "is" }], rows))}`;
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}

/** A field's kind in words; the numbers are FieldKind of assembly/protocols/field.ts. */
function typeOf({ kind, names }: FieldSchema): string {
  const list = names.split(",").map((part) => part.replace(/^\d+=/, ""));
  switch (kind) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 11:
      return "number";
    case 6:
      return `name: ${list.slice(0, 6).join(", ")}${list.length > 6 ? `, ... (${list.length})` : ""}, or its number`;
    case 7:
      return `list of ${list.join(", ")}`;
    case 8:
      return `list of {${list.map((column) => column.replace(/:.*/, "")).join(", ")}}`;
    case 9:
      return "yes or no";
    case 10:
      return "list of numbers";
    default:
      return "text";
  }
}
