/** Fields of numbers whose names are another field's, as dns.rcode and dns.rcodeName: who compares the first with a name may mean the second. */
import { Fields } from "../protocols/field";
import { Protocols } from "../protocols/protocol";
import { say } from "./fault";
import { isName } from "./names";
import { endsWith, Operand } from "./operand";

const DOT: u32 = 0x2e;
const NAME: string = "Name";

/** Adds to the sentence which field has the names of what the operand counts, where there is one; always false. */
export function sayNamed(): bool {
  if (Operand.column != 0) return false;
  const end = Operand.start + Operand.length;
  let start = end;
  while (start > Operand.start && load<u8>(start - 1) != DOT) start -= 1;
  for (let i: u32 = 0; i < Fields.count; i++) {
    const field = Fields.at(i);
    if (field.protocol != Operand.protocol) continue;
    const name = changetype<string>(<usize>field.name);
    const stem = name.length - NAME.length;
    if (stem <= 0 || !endsWith(name, name.length, NAME)) continue;
    if (<usize>stem > end - start || !isName(start, stem, name, 0, stem, false)) continue;
    say("; ");
    say(changetype<string>(<usize>Protocols.at(field.protocol).name));
    say(".");
    say(name);
    return say(" has names");
  }
  return false;
}
