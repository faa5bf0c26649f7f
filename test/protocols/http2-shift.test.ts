/** HTTP/2 behind missing header blocks: what the table held before is found again where a block shows how far it moved. */
import { describe, expect, test } from "vitest";
import { type Field, HpackEncoder } from "../support/hpack-encoder";
import { data, FLAG, frame, headers, http2, TYPE, tripsOf } from "../support/http2";
import { type Captured, type Conversation, join, number } from "../support/pcap-builder";
import { randomFrom } from "../support/sketches";

const MESSAGE = join([0], number(5, 4), "hello");
const GRPC: Field = ["content-type", "application/grpc"];
const trailers = (status: number): Field[] => [
  ["grpc-status", String(status)],
  ["grpc-message", status === 0 ? "OK" : "refused"],
];

/** A connection with a server that keeps a table, call by call. */
class Calls {
  readonly talk = http2();
  private readonly asking = new HpackEncoder();
  private stream = -1;

  constructor(readonly server = new HpackEncoder()) {}

  /** The next stream, with a call on it. */
  ask(): number {
    this.stream += 2;
    const fields: Field[] = [[":method", "POST"], [":scheme", "http"], [":path", `/lab.Shop/Buy${this.stream}`], GRPC];
    const block = this.asking.block([...fields, ["te", "trailers"]]);
    this.talk.send("client", join(headers(this.stream, block, false), data(this.stream, MESSAGE)));
    return this.stream;
  }

  begin(stream: number, fields: Field[] = [GRPC, ["x-server", "lab"], ["date", "Monday"]]): Uint8Array {
    return join(headers(stream, this.server.block([[":status", "200"], ...fields]), false), data(stream, MESSAGE, false));
  }

  end(stream: number, status: number): Uint8Array {
    return headers(stream, this.server.block(trailers(status)));
  }

  /** A call that is seen whole. */
  call(status: number): this {
    const stream = this.ask();
    this.talk.send("server", this.begin(stream)).send("server", this.end(stream, status));
    return this;
  }

  /** A call of which the server's last bytes are missing, or all of them. */
  lose(status: number, fields?: Field[]): this {
    const stream = this.ask();
    if (fields) this.talk.lose("server", join(this.begin(stream, fields), this.end(stream, status)));
    else this.talk.send("server", this.begin(stream)).lose("server", this.end(stream, status));
    goOn(this.talk);
    return this;
  }

  told(): string[] {
    this.talk.close();
    return toldOf(this.talk.packets);
  }
}

/** Lets the hole be given up. */
function goOn(talk: Conversation): void {
  talk.acknowledge("client").wait(200_000_000n).acknowledge("client").acknowledge("server");
}

/** What is told of calls, in the order of their streams: "7 error 5 refused". */
function toldOf(packets: Captured[]): string[] {
  return tripsOf(packets)
    .filter(({ protocol, request }) => protocol === "grpc" && request !== undefined)
    .sort((a, b) => Number(a.request?.streamId) - Number(b.request?.streamId))
    .map(({ request, response, status }) =>
      [request?.streamId, status, response?.grpcStatus ?? "-", response?.grpcMessage ?? "-"].join(" "),
    );
}

describe("where the missing bytes added", () => {
  test("nothing, all is as it was", () => {
    const calls = new Calls().call(0).call(5).lose(0).call(0).call(5);
    expect(calls.told()).toEqual(["1 ok 0 OK", "3 error 5 refused", "5 unobserved - -", "7 ok 0 OK", "9 error 5 refused"]);
  });

  test("an entry, those before it are one further away", () => {
    const calls = new Calls().call(0).lose(0, [GRPC, ["x-server", "lab"], ["date", "Tuesday"]]);
    expect(calls.call(0).told()).toEqual(["1 ok 0 OK", "3 unobserved - -", "5 ok 0 OK"]);
  });

  test("a status, it is not taken for another", () => {
    const calls = new Calls().call(0).lose(5).call(0).call(5).call(0);
    const told = ["1 ok 0 OK", "3 unobserved - -", "5 ok 0 OK", "7 unobserved - -", "9 ok 0 OK"];
    expect(calls.told()).toEqual(told);
  });

  test("twice, both are found", () => {
    const calls = new Calls()
      .call(0)
      .lose(5)
      .lose(13, [GRPC, ["x-server", "lab"], ["date", "Tuesday"]]);
    expect(calls.call(0).call(13).told().slice(3)).toEqual(["7 ok 0 OK", "9 unobserved - -"]);
  });

  test("too few bytes for an entry, trailers alone are known", () => {
    const calls = new Calls().call(0);
    const stream = calls.ask();
    calls.talk.send("server", calls.begin(stream)).lose("server", frame(TYPE.settings, FLAG.acknowledge, 0));
    goOn(calls.talk);
    calls.talk.send("server", calls.end(stream, 0));
    expect(calls.told()).toEqual(["1 ok 0 OK", "3 ok 0 OK"]);
  });
});

describe("what cannot be told apart stays unknown", () => {
  test("trailers alone may name another call's status", () => {
    const calls = new Calls().call(0);
    const [lost, last] = [calls.ask(), calls.ask()];
    calls.talk.send("server", calls.begin(last)).lose("server", join(calls.begin(lost), calls.end(lost, 5)));
    goOn(calls.talk);
    calls.talk.send("server", calls.end(last, 5));
    expect(calls.told()).toEqual(["1 ok 0 OK", "3 unobserved - -", "5 unobserved - -"]);
  });

  test("a server with several content types shows nothing by them", () => {
    const other: Field = ["content-type", "application/grpc+proto"];
    const calls = new Calls();
    for (const type of [GRPC, other]) {
      const stream = calls.ask();
      calls.talk.send("server", calls.begin(stream, [type])).send("server", calls.end(stream, 0));
    }
    const lost = calls.ask();
    calls.talk.send("server", calls.begin(lost, [GRPC])).lose("server", calls.end(lost, 5));
    goOn(calls.talk);
    const stream = calls.ask();
    calls.talk.send("server", calls.begin(stream, [other])).send("server", calls.end(stream, 0));
    expect(calls.told().slice(2)).toEqual(["5 unobserved - -", "7 unobserved - -"]);
  });
});

describe("what waits", () => {
  test("is told once a later block shows how far the table moved", () => {
    const calls = new Calls().call(0).call(5);
    const [first, lost] = [calls.ask(), calls.ask()];
    calls.talk.send("server", calls.begin(first)).lose("server", join(calls.begin(lost), calls.end(lost, 0)));
    goOn(calls.talk);
    calls.talk.send("server", calls.end(first, 5));
    calls.call(0);
    expect(calls.told()).toEqual(["1 ok 0 OK", "3 error 5 refused", "5 error 5 refused", "7 unobserved - -", "9 ok 0 OK"]);
  });

  test("is no longer reset", () => {
    const calls = new Calls().call(0);
    const [first, lost] = [calls.ask(), calls.ask()];
    calls.talk.send("server", calls.begin(first)).lose("server", join(calls.begin(lost), calls.end(lost, 0)));
    goOn(calls.talk);
    calls.talk.send("server", join(calls.end(first, 0), frame(TYPE.reset, 0, first, number(0, 4))));
    calls.call(0);
    expect(calls.told()).toEqual(["1 ok 0 OK", "3 ok 0 OK", "5 unobserved - -", "7 ok 0 OK"]);
  });

  test("stays unknown behind another loss", () => {
    const calls = new Calls().call(0);
    const [first, lost] = [calls.ask(), calls.ask()];
    calls.talk.send("server", calls.begin(first)).lose("server", join(calls.begin(lost), calls.end(lost, 0)));
    goOn(calls.talk);
    calls.talk.send("server", calls.end(first, 0));
    calls.lose(0, [GRPC]).call(0);
    expect(calls.told()).toEqual(["1 ok 0 OK", "3 unobserved - -", "5 unobserved - -", "7 unobserved - -", "9 ok 0 OK"]);
  });
});

describe("a status whose name is missing", () => {
  test("is the one field of a call's trailers that may be it", () => {
    const calls = new Calls();
    const lost = calls.ask();
    calls.talk.send("server", calls.begin(lost)).lose("server", calls.end(lost, 0));
    goOn(calls.talk);
    calls.call(5).call(0).call(5);
    expect(calls.told()).toEqual(["1 unobserved - -", "3 error 5 -", "5 unobserved - -", "7 error 5 -"]);
  });

  test("is not known where another may be it too", () => {
    const calls = new Calls();
    const lost = calls.ask();
    const retry = (after: string): Field => ["retry-after", after];
    calls.talk.send("server", calls.begin(lost)).lose("server", headers(lost, calls.server.block([...trailers(0), retry("1")])));
    goOn(calls.talk);
    const stream = calls.ask();
    calls.talk
      .send("server", calls.begin(stream))
      .send("server", headers(stream, calls.server.block([...trailers(8), retry("2")])));
    expect(calls.told()).toEqual(["1 unobserved - -", "3 unobserved - -"]);
  });
});

describe("the table's limit", () => {
  test("entries that it evicted among the missing bytes are not found", () => {
    const calls = new Calls(new HpackEncoder(300));
    calls.call(0).call(5);
    calls.lose(13, [GRPC, ["x-server", "lab"], ["date", "Tuesday"], ["x-long", "l".repeat(100)]]);
    calls.call(0).call(5).call(0);
    const truth = [0, 5, 13, 0, 5, 0];
    for (const { request, response } of tripsOf(calls.talk.close().packets)) {
      expect([truth[(Number(request?.streamId) - 1) / 2], undefined]).toContain(response?.grpcStatus);
    }
  });

  test("a table that was emptied among them shows nothing until it is told anew", () => {
    const calls = new Calls().call(0).call(5);
    calls.server.resize(0);
    const lost = calls.ask();
    const block = calls.server.block([[":status", "200"]]);
    calls.server.resize(4096);
    calls.talk.lose("server", join(headers(lost, block, false), calls.end(lost, 13)));
    goOn(calls.talk);
    expect(calls.call(0).call(13).told().slice(2)).toEqual(["5 unobserved - -", "7 ok 0 -", "9 unobserved - -"]);
  });
});

/** What a server of some kind puts before and behind a body, by chance. */
function habits(random: () => number) {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const types = random() < 0.2 ? ["application/grpc", "application/grpc+proto"] : ["application/grpc"];
  const more = ["x-a", "x-b", "x-c"].filter(() => random() < 0.5);
  const hasDate = random() < 0.7;
  const hasMessage = random() < 0.7;
  const custom = random() < 0.3;
  const statuses = [0, 5, 13].slice(0, 1 + Math.floor(random() * 3));
  let day = 0;
  return {
    statuses: () => pick(statuses),
    leading(): Field[] {
      if (random() < 0.1) day += 1;
      const varied = random() < 0.3 ? more.filter(() => random() < 0.5) : more;
      const date: Field[] = hasDate ? [["date", `day ${day}`]] : [];
      return [["content-type", pick(types)], ...varied.map((name): Field => [name, pick(["yes", "no"])]), ...date];
    },
    trailing(status: number): Field[] {
      const message: Field[] = hasMessage ? [["grpc-message", status === 0 ? "" : pick(["refused", "no"])]] : [];
      const own: Field[] = custom ? [["retry", String(Math.floor(random() * 4))]] : [];
      return random() < 0.5
        ? [["grpc-status", String(status)], ...message, ...own]
        : [...own, ["grpc-status", String(status)], ...message];
    },
  };
}

describe("servers of any habits", () => {
  const ROUNDS = 60;

  test("are never told to have answered what they did not", () => {
    let known = 0;
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const random = randomFrom(seed);
      const server = habits(random);
      const calls = new Calls(new HpackEncoder([4096, 4096, 500, 200][Math.floor(random() * 4)]));
      const truth = new Map<number, number>();
      for (let call = 0; call < 40; call++) {
        if (random() < 0.02) calls.server.resize([4096, 300, 0][Math.floor(random() * 3)]!);
        const status = server.statuses();
        const stream = calls.ask();
        truth.set(stream, status);
        const isLast = random() < 0.3;
        const trailing = server.trailing(status);
        const parts = isLast
          ? [() => headers(stream, calls.server.block([[":status", "200"], ...trailing, ...server.leading()]))]
          : [() => calls.begin(stream, server.leading()), () => headers(stream, calls.server.block(trailing))];
        for (const part of parts) {
          const isLost = random() < 0.1;
          if (isLost) calls.talk.lose("server", part());
          else calls.talk.send("server", part());
          if (isLost && random() < 0.8) goOn(calls.talk);
        }
      }
      calls.talk.close();
      for (const { request, response } of tripsOf(calls.talk.packets)) {
        if (response?.grpcStatus === undefined) continue;
        known += 1;
        expect(`${seed}: ${request?.streamId} ${response.grpcStatus}`).toBe(
          `${seed}: ${request?.streamId} ${truth.get(Number(request?.streamId))}`,
        );
      }
    }
    expect(known).toBeGreaterThan(ROUNDS * 10);
  });
});
