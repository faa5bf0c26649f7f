/**
 * A MongoDB server of ours, for there is none to install: as much of one as a driver needs to write, find and fail.
 *
 * It reads BSON by the driver's own library and writes it by the encoder of the tests; it shares nothing with the parser under test.
 */
import { BSON } from "mongodb";
import { int64, msg, reply } from "../mongo";
import { listenForFrames } from "./frames";
import type { Stage } from "./stage";

const HEADER_BYTES = 16;
const OP_QUERY = 2004;
const OP_MSG = 2013;
/** The flag of a message that wants no answer. */
const MORE_TO_COME = 2;
const DUPLICATE_KEY = 11000;
const FAILED = { ok: 0, errmsg: "no such command", code: 59, codeName: "CommandNotFound" };

type Document = Record<string, unknown>;

const HELLO: Document = {
  ismaster: true,
  isWritablePrimary: true,
  maxBsonObjectSize: 16_777_216,
  maxMessageSizeBytes: 48_000_000,
  maxWriteBatchSize: 100_000,
  minWireVersion: 0,
  maxWireVersion: 21,
  readOnly: false,
  ok: 1,
};

/** A command: the body of OP_MSG, its other sections as arrays beside. */
function commandOf(bytes: Buffer): Document {
  const body: Document = {};
  for (let at = HEADER_BYTES + 4; at < bytes.length; ) {
    const kind = bytes[at]!;
    const length = bytes.readInt32LE(at + 1);
    const section = bytes.subarray(at + 1, at + 1 + length);
    if (kind === 0) Object.assign(body, BSON.deserialize(section));
    else {
      const nameEnd = section.indexOf(0, 4);
      body[section.toString("utf8", 4, nameEnd)] = documentsOf(section.subarray(nameEnd + 1));
    }
    at += 1 + length;
  }
  return body;
}

function documentsOf(bytes: Buffer): Document[] {
  const found: Document[] = [];
  for (let at = 0; at < bytes.length; at += bytes.readInt32LE(at)) {
    found.push(BSON.deserialize(bytes.subarray(at, at + bytes.readInt32LE(at))));
  }
  return found;
}

/** Collections and open cursors. */
class Database {
  private readonly collections = new Map<string, Document[]>();
  private readonly cursors = new Map<bigint, Document[]>();
  private last = 0n;

  answer(command: Document): Document {
    const [name = ""] = Object.keys(command);
    const collection = String(command[name]);
    switch (name) {
      case "hello":
      case "ismaster":
        return HELLO;
      case "ping":
      case "endSessions":
        return { ok: 1 };
      case "insert":
        return this.insert(collection, command.documents as Document[]);
      case "find":
        return this.open(`${command.$db}.${collection}`, this.documents(collection), Number(command.batchSize ?? 101));
      case "aggregate":
        return this.open(`${command.$db}.${collection}`, [{ n: this.documents(collection).length }], 101);
      case "getMore":
        return this.more(BigInt(String(command.getMore)), `${command.$db}.${command.collection}`, Number(command.batchSize));
      default:
        return FAILED;
    }
  }

  private documents(collection: string): Document[] {
    const found = this.collections.get(collection) ?? [];
    this.collections.set(collection, found);
    return found;
  }

  private insert(collection: string, documents: Document[]): Document {
    const there = this.documents(collection);
    const isThere = ({ _id }: Document) => there.some((one) => String(one._id) === String(_id));
    const index = documents.findIndex(isThere);
    const taken = index < 0 ? documents : documents.slice(0, index);
    there.push(...taken.map(({ _id, text }) => ({ _id: String(_id), text })));
    if (index < 0) return { n: taken.length, ok: 1 };
    return { n: taken.length, writeErrors: [{ index, code: DUPLICATE_KEY, errmsg: "E11000 duplicate key" }], ok: 1 };
  }

  private open(ns: string, documents: Document[], batchSize: number): Document {
    const left = documents.slice(batchSize);
    if (left.length > 0) this.cursors.set(++this.last, left);
    return { cursor: { firstBatch: documents.slice(0, batchSize), id: int64(left.length > 0 ? this.last : 0n), ns }, ok: 1 };
  }

  private more(id: bigint, ns: string, batchSize: number): Document {
    const left = this.cursors.get(id) ?? [];
    const nextBatch = left.splice(0, batchSize);
    if (left.length === 0) this.cursors.delete(id);
    return { cursor: { nextBatch, id: int64(left.length > 0 ? id : 0n), ns }, ok: 1 };
  }
}

/** Starts the server; gives its port. */
export function startMongodb(stage: Stage): Promise<number> {
  const database = new Database();
  let requestId = 1_000_000;
  return listenForFrames(stage, { littleEndian: true, countsItself: true }, (bytes) => {
    const [asked, opcode] = [bytes.readInt32LE(4), bytes.readInt32LE(12)];
    requestId += 1;
    // A driver's first greeting comes in the old form.
    if (opcode === OP_QUERY) return reply(requestId, asked, [HELLO]);
    if (opcode !== OP_MSG) throw new Error(`no answer to opcode ${opcode}`);
    const answer = database.answer(commandOf(bytes));
    const isAlone = (bytes.readUInt32LE(HEADER_BYTES) & MORE_TO_COME) !== 0;
    return isAlone ? undefined : msg(requestId, answer, { responseTo: asked });
  });
}
