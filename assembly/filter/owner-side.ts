/**
 * Fields that say something of either end's owner: what they refer to on one side, where the event has both
 * (`roundtrip/event-owners.ts`).
 */
import { FieldKind } from "../protocols/field";
import { Instruction, Place, Reference } from "./program";

/** From the client's value to the server's: of texts, of pids, and of bits of what is known. */
const TEXT_STEP: u32 = 16;
const PID_STEP: u32 = 4;
const KNOWN_STEP: u32 = 8;

const COPY: usize = memory.data(32, 8);

/** A copy of `reference`, which is one of an instruction or alone, that refers to one side: 0 the client, 1 the server. */
export function ownerSide(reference: Reference, side: u32): Instruction {
  memory.copy(COPY, changetype<usize>(reference), offsetof<Reference>());
  const copy = changetype<Instruction>(COPY);
  copy.place = <u8>Place.OWNERS;
  if (side == 0) return copy;
  copy.offset += <u16>(copy.kind == <u8>FieldKind.TEXT ? TEXT_STEP : PID_STEP);
  copy.known += <u8>KNOWN_STEP;
  return copy;
}
