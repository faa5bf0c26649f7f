/** Compressed MySQL and MongoDB with whatever may be wrong with a capture: under the core's asserts, with other bytes in free memory. */
import { deflateSync } from "node:zlib";
import { describe, test } from "vitest";
import { Laws } from "../support/core-laws";
import { DAMAGES } from "../support/damage";
import { COMPRESSED_MYSQL } from "../support/faults/sql";
import { talk } from "../support/faults/talk";
import { compressed, mongo, msgBody } from "../support/mongo";
import { type Captured, pcap } from "../support/pcap-builder";
import { numbers } from "../support/record-lengths";
import { CAPABILITY, my, mysql, PLAIN } from "../support/sql";

const TURNS = 40;

const zip = (bytes: number[]) => [...deflateSync(Uint8Array.from(bytes))];

/** Requests and responses of which one fills its window several times. */
function longTalk(): Captured[] {
  const text = Array.from({ length: 90_000 }, (_, at) => String.fromCharCode(97 + ((at * at) % 26))).join("");
  const one = mysql(PLAIN | CAPABILITY.compress);
  one.send("client", my.pack(0, my.query(`SELECT '${text}'`)), 1400).send("server", my.pack(1, my.ok(1)));
  const rows = my.result(
    Array.from({ length: 400 }, (_, row) => [text.slice(row, row + 250), text.slice(2 * row, 2 * row + 240)]),
  );
  one.send("client", my.pack(0, my.query("SELECT a FROM t"))).send("server", my.pack(1, rows), 1400);
  return one
    .send("client", my.pack(0, my.command(14)))
    .send("server", my.pack(1, my.ok(1)))
    .close().packets;
}

function mongoTalk(): Captured[] {
  const one = mongo();
  for (let id = 1; id <= 10; id++) {
    const asked = msgBody({ find: "c", filter: { a: id }, $db: "lab" });
    const answer = msgBody({ cursor: { firstBatch: Array.from({ length: id * 9 }, () => ({ text: "t".repeat(60) })) }, ok: 1 });
    one
      .send("client", compressed(id, 0, 2, asked, zip(asked)))
      .send("server", compressed(100 + id, id, 2, answer, zip(answer)), 300);
  }
  return one.close().packets;
}

describe.each([
  ["mysql", talk(COMPRESSED_MYSQL, 4, 8).parts.map(({ packet }) => packet)],
  ["mysql, long", longTalk()],
  ["mongodb", mongoTalk()],
] as const)("%s", (name, packets) => {
  const laws = new Laws();
  const whole = pcap([...packets]);

  test.each(Object.entries(DAMAGES))("%s", (way, damage) => {
    for (let turn = 0; turn < TURNS; turn++) {
      laws.keptBy(`${name}, ${way}, turn ${turn}`, damage(whole.slice(), numbers(turn)), [0xa5, 0x00]);
    }
  });
});
