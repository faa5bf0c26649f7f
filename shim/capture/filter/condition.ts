/** Conditions on a packet, and the program that decides one. */
import { type Instruction, JUMP_MAX, OP } from "../bpf";

/** What is computed first, and then compared. */
type Step = [code: number, operand: number];

interface Test {
  is: "test";
  steps: Step[];
  jump: number;
  operand: number;
}

/** Something that holds of a packet or not. A packet that is too short for what is compared is not taken, whatever else holds. */
export type Condition = boolean | Test | { is: "all" | "any"; of: Condition[] } | { is: "not"; of: Condition };

/** Whether what the steps come to is what the jump wants of it. */
export function test(steps: Step[], jump: number, operand: number): Condition {
  return { is: "test", steps, jump, operand };
}

/** Whether all of them hold; they are asked from the first to the last, as long as they do. */
export function all(...of: Condition[]): Condition {
  if (of.includes(false)) return false;
  const asked = of.filter((one) => one !== true);
  return asked.length === 0 ? true : asked.length === 1 ? asked[0]! : { is: "all", of: asked };
}

/** Whether one of them holds; they are asked from the first to the last, until one does. */
export function any(...of: Condition[]): Condition {
  if (of.includes(true)) return true;
  const asked = of.filter((one) => one !== false);
  return asked.length === 0 ? false : asked.length === 1 ? asked[0]! : { is: "any", of: asked };
}

/** Whether it does not hold. */
export function not(of: Condition): Condition {
  return typeof of === "boolean" ? !of : { is: "not", of };
}

/** The program that gives `bytes` of a packet of which a condition holds, and else none. */
export function program(condition: Condition, bytes: number): Instruction[] {
  if (typeof condition === "boolean") return [give(condition ? bytes : 0)];
  // From the end on: where a jump leads to is so known before it is written.
  const backwards = [give(0), give(bytes)];
  write(backwards, condition, 1, 0);
  return backwards.reverse();
}

function give(bytes: number): Instruction {
  return [OP.give, 0, 0, bytes];
}

/** Writes what decides a condition and then goes to one of two places, before all that is there; gives the place of its beginning. */
function write(backwards: Instruction[], condition: Condition, yes: number, no: number): number {
  if (typeof condition === "boolean") throw new Error("what always or never holds is not asked");
  switch (condition.is) {
    case "not":
      return write(backwards, condition.of, no, yes);
    case "all":
      return condition.of.reduceRight((next, one) => write(backwards, one, next, no), yes);
    case "any":
      return condition.of.reduceRight((next, one) => write(backwards, one, yes, next), no);
    case "test":
      return writeTest(backwards, condition, yes, no);
  }
}

function writeTest(backwards: Instruction[], { steps, jump, operand }: Test, yes: number, no: number): number {
  const over = (place: number) => backwards.length - 1 - place;
  const put = (...instruction: Instruction) => backwards.push(instruction) - 1;
  const isFar = Math.max(over(yes), over(no)) > JUMP_MAX;
  const nearNo = isFar ? put(OP.jump, 0, 0, over(no)) : no;
  const nearYes = isFar ? put(OP.jump, 0, 0, over(yes)) : yes;
  let beginning = put(jump, over(nearYes), over(nearNo), operand);
  for (const [code, value] of steps.toReversed()) beginning = put(code, 0, 0, value);
  return beginning;
}
