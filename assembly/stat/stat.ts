/**
 * Statistics of round trips as they are asked for: a breakdown (`sketches/breakdown.ts`) whose columns and values a question names.
 *
 * Its counts are exact as long as there are no more rows than it keeps; beyond that the busiest stay, with the bounds of a breakdown.
 */
import { BreakdownKey } from "../aggregate/breakdown-key";
import { Kind } from "../aggregate/metric";
import { copyBytes } from "../bytes/run";
import { Writer } from "../bytes/writer";
import { baseOf, numberAt, oneOwner, statusOf, wireBytesOf } from "../filter/value";
import { Regions } from "../regions";
import { Status } from "../roundtrip/marks";
import { breakdownOf, breakdownRelease, breakdownTake, NO_DURATION, Part, selectedPart } from "../sketches/breakdown";
import { KEY_BYTES_MAX } from "../sketches/key-table";
import { createSamples, offerSample, SAMPLES_MAX, sampleAt } from "../sketches/samples";
import { Selection } from "../sketches/select";
import { Fault } from "../wire/fault";
import { Query } from "../wire/query";
import { writeState } from "../wire/row";
import { isNumber, Question, readQuestion } from "./question";
import { ValueText } from "./value-text";

/** log2 of the slots of the table, which keeps three quarters of them. */
const ROWS_LOG2: u32 = 10;
/** Values are whole numbers of the field's own unit. */
const UNIT: u32 = 0;
/** The sign that stands for the rest of a text that was cut, UTF-8. */
const ELLIPSIS: u32 = 0xa680e2;
const ELLIPSIS_BYTES: u32 = 3;
/** Puts failed round trips before all others. */
const FAILED_FIRST: u64 = 1 << 63;

/** Room for a text that is cut. */
const CUT: usize = memory.data(256);

export class Stat {
  private static state: usize = 0;
  private static samplesMax: u32 = 0;

  /** There are no statistics any more; their memory is somebody else's. */
  static reset(): void {
    Stat.state = 0;
  }

  /**
   * Begins statistics for the question of `length` bytes at `start`, with `samples` round trips of each row at the most. Answers 0, or
   * the place from 1 at which the question is wrong.
   */
  static open(start: usize, length: u32, samples: u32): u32 {
    if (Stat.state != 0) breakdownRelease(Stat.state);
    Stat.state = 0;
    const column = readQuestion(start, length);
    if (column != 0) return column;
    Stat.samplesMax = min(samples, SAMPLES_MAX);
    Stat.state = breakdownOf(ROWS_LOG2, UNIT);
    return 0;
  }

  /** Adds a round trip. */
  static take(event: usize): void {
    if (Stat.state == 0) return;
    BreakdownKey.open();
    for (let i: u32 = 0; i < Question.fields; i++) addField(i, event);
    const status = statusOf(event);
    const failed = status != Status.OK && status != Status.UNOBSERVED;
    const bytes = wireBytesOf(event);
    const value = Question.isSize ? bytes : addedValue(event);
    const part = breakdownTake(Stat.state, BreakdownKey.start, BreakdownKey.length, failed, bytes, value);
    if (Stat.samplesMax == 0) return;
    const known = value == NO_DURATION ? 0 : value;
    Stat.sample(changetype<Part>(part), event, failed && Question.prefersErrors ? known | FAILED_FIRST : known);
  }

  private static sample(part: Part, event: usize, value: u64): void {
    if (part.samples == 0) part.samples = <u32>createSamples(Stat.samplesMax);
    if (part.samples == 0) return;
    const length = load<u32>(event);
    part.sampleCount = <u16>offerSample(part.samples, part.sampleCount, Stat.samplesMax, value, event, length);
  }

  /** Answers the question of `length` bytes at `query`, as of a breakdown, to the output. Gives a Fault. */
  static rows(query: usize, length: u32): u32 {
    if (Stat.state == 0) return Fault.FULL;
    if (!Query.read(query, length)) return Fault.QUERY;
    Writer.open(Regions.output, Regions.outputBytes);
    Writer.u8(Question.fields);
    for (let i: u32 = 0; i < Question.fields; i++) Writer.u8(isNumber(Question.field(i)) ? 1 : 0);
    writeState(Kind.BREAKDOWN, Stat.state);
    return Writer.overflow ? Fault.OUTPUT : Fault.NONE;
  }

  /** Writes the samples of row `index` of the last answer to the output, events one behind the other. */
  static samples(index: u32): void {
    Writer.open(Regions.output, Regions.outputBytes);
    if (Stat.state == 0 || index >= Selection.count) return;
    const part = changetype<Part>(selectedPart(index));
    for (let i: u32 = 0; i < <u32>part.sampleCount; i++) {
      const one = sampleAt(part.samples, i);
      Writer.bytes(one.copy, one.length);
    }
  }
}

/** The value that is added up; NO_DURATION where it is not known. */
function addedValue(event: usize): u64 {
  const value = oneOwner(Question.value, event);
  const base = baseOf(value, event);
  return base == 0 ? NO_DURATION : numberAt(value.kind, base + value.offset);
}

/** Adds the column of field `index` to the key; a text that is longer than its share of the key ends with an ellipsis. */
function addField(index: u32, event: usize): void {
  const share = KEY_BYTES_MAX / Question.fields - 1;
  ValueText.read(Question.field(index), event);
  if (ValueText.length <= share) {
    BreakdownKey.column(ValueText.start, ValueText.length);
    return;
  }
  let take = share - ELLIPSIS_BYTES;
  while (take > 0 && (load<u8>(ValueText.start + take) & 0xc0) == 0x80) take -= 1;
  copyBytes(CUT, ValueText.start, take);
  store<u32>(CUT + take, ELLIPSIS);
  BreakdownKey.column(CUT, take + ELLIPSIS_BYTES);
}
