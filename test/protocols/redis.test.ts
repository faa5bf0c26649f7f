/** Redis: each case as the bytes of both sides and the round trips that they are. */
import { describe, expect, test } from "vitest";
import { pcap } from "../support/pcap-builder";
import { array, bulk, command, exchange, lines, OK, redis, tripsOf } from "../support/redis";
import { readRoundTrips } from "../support/round-trips";

/** The lines of one exchange. */
const told = (asked: string, answer: string) => lines(redis().send("client", asked).send("server", answer).close().packets);

describe("fields", () => {
  test("of a request", () => {
    const asked = command("set", "user:17", "Ada");
    expect(exchange(asked, OK)[0]?.request).toEqual({
      bytes: asked.length,
      command: "SET",
      key: "user:17",
      keys: 1,
      argumentCount: 2,
      database: 0,
      bodyBytes: "setuser:17Ada".length,
    });
  });

  test("of a response", () => {
    const answer = array(bulk("one"), bulk("two"), "$-1\r\n");
    const [trip] = exchange(command("MGET", "a", "b", "c"), answer);
    expect(trip?.request).toMatchObject({ command: "MGET", key: "a", keys: 3 });
    expect(trip?.response).toEqual({ bytes: answer.length, type: "array", elements: 3, isNull: false, bodyBytes: 6 });
  });

  test("of an error", () => {
    const [trip] = exchange(command("GET", "a"), "-WRONGTYPE Operation against a key\r\n");
    expect(trip?.status).toBe("error");
    expect(trip?.response).toMatchObject({ type: "error", errorCode: "WRONGTYPE", errorMessage: "Operation against a key" });
  });

  test("of an error without a code, and of one without a text", () => {
    expect(exchange(command("EVAL", "s", 0), "-something broke\r\n")[0]?.response).toMatchObject({
      errorMessage: "?",
    });
    expect(exchange(command("EVAL", "s", 0), "-something broke\r\n")[0]?.response).not.toHaveProperty("errorCode");
    expect(exchange(command("GET", "a"), "-LOADING\r\n")[0]?.response).toMatchObject({ errorCode: "LOADING", errorMessage: "" });
  });

  test("of a module that is not known", () => {
    const asked = command("FT.SEARCH", "users", "@name:Ada") + command("JSON.GET", "user:17", "$.name") + command("MY.OWN");
    const trips = exchange(asked, `${array(":0\r\n")}${bulk("[]")}-ERR unknown command\r\n`);
    expect(trips.map(({ request, status }) => [request?.command, request?.argumentCount, status])).toEqual([
      ["FT.SEARCH", 2, "ok"],
      ["JSON.GET", 2, "ok"],
      ["MY.OWN", 0, "error"],
    ]);
  });

  test("texts are cut at their limits", () => {
    const [trip] = exchange(command("GET", "k".repeat(300)), `-ERR ${"e".repeat(400)}\r\n`);
    expect(trip?.marks).toEqual(["truncated"]);
    expect([trip?.request?.key, trip?.response?.errorMessage].map((text) => String(text).length)).toEqual([255, 255]);
  });

  test.each([
    [["DEL", "a", "b"], "a", 2],
    [["MSET", "a", 1, "b", 2], "a", 2],
    [["RENAME", "a", "b"], "a", 2],
    [["BLPOP", "a", "b", "c", 0], "a", 3],
    [["OBJECT", "ENCODING", "a"], "a", 1],
    [["BITOP", "AND", "d", "a", "b"], "d", 3],
    [["ZUNION", 2, "a", "b"], "a", 2],
    [["ZUNIONSTORE", "d", 2, "a", "b"], "d", 3],
    [["EVAL", "return 1", 2, "a", "b", "x"], "a", 2],
    [["EVAL", "return 1", 0], undefined, 0],
    [["XREAD", "COUNT", 2, "STREAMS", "a", "b", 0, 0], "a", 2],
    [["XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "a", ">"], "a", 1],
    [["MIGRATE", "host", 6379, "a", 0, 10], "a", 1],
    [["PING"], undefined, 0],
    [["CONFIG", "GET", "save"], undefined, 0],
    [["PUBLISH", "channel", "text"], undefined, 0],
    [["JSON.SET", "doc", "$", "{}"], "doc", undefined],
    [["nosuch", "a"], undefined, undefined],
  ])("keys of %j", (words, key, keys) => {
    const [trip] = exchange(command(...words), OK);
    expect([trip?.request?.key, trip?.request?.keys, trip?.request?.argumentCount]).toEqual([key, keys, words.length - 1]);
  });

  test("a subcommand is part of the name", () => {
    expect(exchange(command("config", "get", "save"), "*0\r\n")[0]?.request?.command).toBe("CONFIG GET");
    expect(exchange(command("COMMAND"), "*0\r\n")[0]?.request?.command).toBe("COMMAND");
    expect(exchange(command("CLIENT", "SETINFO", "LIB-NAME", "x"), OK)[0]?.request?.command).toBe("CLIENT SETINFO");
  });

  test("passwords are nowhere", () => {
    const trips = exchange(command("AUTH", "hunter2") + command("HELLO", 3, "AUTH", "me", "hunter2"), OK + OK);
    expect(JSON.stringify(trips)).not.toContain("hunter2");
    expect(trips.map(({ request }) => request?.command)).toEqual(["AUTH", "HELLO"]);
  });

  test("the database is the one selected last", () => {
    const asked = command("GET", "a") + command("SELECT", 3) + command("GET", "a") + command("SELECT", 99) + command("GET", "a");
    const talk = redis().send("client", asked).send("server", `$-1\r\n${OK}$-1\r\n`);
    talk.send("server", "-ERR DB index is out of range\r\n$-1\r\n").send("client", command("GET", "b")).send("server", "$-1\r\n");
    expect(tripsOf(talk.packets).map(({ request }) => request?.database)).toEqual([0, 0, 3, 3, 3, 3]);
    const joined = redis().send("client", command("GET", "a")).send("server", "$-1\r\n");
    expect(tripsOf(joined.packets.slice(3))[0]?.request).not.toHaveProperty("database");
  });

  test("times of both sides", () => {
    const talk = redis()
      .send("client", command("GET", "a"), 10)
      .wait(50_000_000n)
      .send("server", bulk("x".repeat(3000)), 1000);
    expect(tripsOf(talk.packets)[0]).toMatchObject({
      durationNs: (1 + 1 + 50 + 3 + 1 - 1) * 1_000_000,
      timing: { requestNs: 1_000_000 * 1, responseNs: 3_000_000, serverNs: 50_000_000 },
    });
  });
});

describe("values", () => {
  test.each([
    ["+PONG\r\n", "simple string", false, undefined],
    [":-12\r\n", "integer", false, undefined],
    ["$0\r\n\r\n", "bulk string", false, undefined],
    ["$-1\r\n", "bulk string", true, undefined],
    ["*-1\r\n", "array", true, undefined],
    ["*0\r\n", "array", false, 0],
    ["_\r\n", "null", true, undefined],
    ["#t\r\n", "boolean", false, undefined],
    [",3.25\r\n", "double", false, undefined],
    [",inf\r\n", "double", false, undefined],
    ["(3492890328409238509324850943850943825024385\r\n", "big number", false, undefined],
    ["=15\r\ntxt:Some string\r\n", "verbatim string", false, undefined],
    ["%2\r\n+a\r\n:1\r\n+b\r\n*2\r\n:2\r\n:3\r\n", "map", false, 2],
    ["~3\r\n+a\r\n#f\r\n_\r\n", "set", false, 3],
    ["*2\r\n*1\r\n*2\r\n:1\r\n:2\r\n%1\r\n+k\r\n~1\r\n:5\r\n", "array", false, 2],
    ["|1\r\n+ttl\r\n:3600\r\n$1\r\nx\r\n", "bulk string", false, undefined],
    ["*2\r\n:1\r\n|1\r\n+a\r\n*1\r\n:9\r\n:2\r\n", "array", false, 2],
  ])("%j", (answer, type, isNull, elements) => {
    const talk = redis()
      .send("client", command("GET", "a") + command("PING"))
      .send("server", `${answer}+NEXT\r\n`);
    const trips = tripsOf(talk.close().packets);
    expect(trips[0]?.response).toMatchObject({ bytes: answer.length, type, isNull });
    expect(trips[0]?.response?.elements).toBe(elements);
    expect(trips[1]?.response).toMatchObject({ bytes: 7, type: "simple string" });
  });

  test("an error in bulk", () => {
    const [trip] = exchange(command("GET", "a"), "!21\r\nSYNTAX invalid syntax\r\n");
    expect([trip?.status, trip?.response?.type, trip?.response?.errorCode]).toEqual(["error", "bulk error", "SYNTAX"]);
    expect(trip?.response?.errorMessage).toBe("invalid syntax");
  });

  test("line ends and what looks like RESP inside values", () => {
    const value = "one\r\n+OK\r\n$3\r\n*1\r\n$4\r\nPING\r\n-ERR no\r\n\r\n";
    const asked = command("SET", "a", value) + command("GET", "a");
    for (const bytes of [1000, 7, 1]) {
      const talk = redis()
        .send("client", asked, bytes)
        .send("server", OK + bulk(value), bytes)
        .close();
      expect(lines(talk.packets)).toEqual(["SET a simple string ok", "GET a bulk string ok"]);
      expect(tripsOf(talk.packets)[1]?.response).toMatchObject({ bodyBytes: value.length });
    }
  });

  test("of megabytes go by", () => {
    const value = "v".repeat(3_000_000);
    const talk = redis({ stepNs: 1000n })
      .send("client", command("SET", "big", value), 1400)
      .send("server", OK);
    talk.send("client", command("GET", "big")).send("server", bulk(value), 1400).close();
    const trips = tripsOf(talk.packets);
    expect(lines(talk.packets)).toEqual(["SET big simple string ok", "GET big bulk string ok"]);
    expect(trips[0]?.request?.bodyBytes).toBe(3_000_006);
    expect(trips[1]?.response).toMatchObject({ bytes: bulk(value).length, bodyBytes: 3_000_000 });
  });

  test("an array of many", () => {
    const answer = array(...Array.from({ length: 20_000 }, (_, index) => bulk(`element ${index}`)));
    const talk = redis()
      .send("client", command("LRANGE", "l", 0, -1))
      .send("server", answer, 1400)
      .close();
    expect(tripsOf(talk.packets)[0]?.response).toMatchObject({ elements: 20_000, bytes: answer.length });
  });

  test("a status longer than is looked at", () => {
    const talk = redis().send("client", command("ECHO", "x") + command("GET", "a"));
    talk.send("server", `+${"s".repeat(9000)}\r\n$1\r\nx\r\n`, 1000).close();
    expect(lines(talk.packets)).toEqual(["ECHO simple string ok", "GET a bulk string ok"]);
    expect(tripsOf(talk.packets)[0]?.response?.bytes).toBe(9003);
  });
});

describe("pipelines", () => {
  test.each([10, 402, 5000])("of %i", (depth) => {
    const asked = Array.from({ length: depth }, (_, index) => command("GET", `k${index}`)).join("");
    const answer = Array.from({ length: depth }, (_, index) => bulk(`${index}`)).join("");
    const talk = redis({ stepNs: 1000n }).send("client", asked, 1400).send("server", answer, 1400).close();
    const trips = tripsOf(talk.packets, { budgetBytes: 64 << 20 });
    expect(trips.map(({ request }) => request?.key)).toEqual(Array.from({ length: depth }, (_, index) => `k${index}`));
    expect(trips.every(({ response }, index) => response?.bodyBytes === String(index).length)).toBe(true);
  });

  test("answered while they are still being sent", () => {
    const talk = redis();
    for (let i = 0; i < 50; i++)
      talk.send("client", command("GET", `k${2 * i}`) + command("GET", `k${2 * i + 1}`)).send("server", bulk("v"));
    for (let i = 0; i < 50; i++) talk.send("server", `-ERR ${i}\r\n`);
    const trips = tripsOf(talk.close().packets);
    expect(trips.map(({ status }) => status)).toEqual([...Array(50).fill("ok"), ...Array(50).fill("error")]);
    expect(trips.map(({ request }) => request?.key)).toEqual(Array.from({ length: 100 }, (_, index) => `k${index}`));
  });
});

describe("transactions", () => {
  test("each command has its answer", () => {
    const asked = command("MULTI") + command("SET", "a", 1) + command("INCR", "b") + command("EXEC");
    expect(told(asked, `${OK}+QUEUED\r\n+QUEUED\r\n*2\r\n${OK}:1\r\n`)).toEqual([
      "MULTI simple string ok",
      "SET a simple string ok",
      "INCR b simple string ok",
      "EXEC array ok",
    ]);
  });

  test("a command that failed inside is told by EXEC", () => {
    const asked = command("MULTI") + command("INCR", "a") + command("EXEC") + command("EXEC");
    const answer = `${OK}+QUEUED\r\n*1\r\n-WRONGTYPE no\r\n*-1\r\n`;
    expect(told(asked, answer).slice(2)).toEqual(["EXEC array error", "EXEC array ok"]);
    expect(exchange(asked, answer)[2]?.response).toMatchObject({ errorCode: "WRONGTYPE", errorMessage: "no", elements: 1 });
  });

  test("SELECT inside one has not happened yet", () => {
    const asked = command("MULTI") + command("SELECT", 5);
    const talk = redis().send("client", asked).send("server", `${OK}+QUEUED\r\n`).send("client", command("GET", "a"));
    expect(tripsOf(talk.send("server", "+QUEUED\r\n").packets)[2]?.request).not.toHaveProperty("database");
  });

  test("SELECT inside one, and all sent with it, is of no known database behind it", () => {
    const asked = command("MULTI") + command("SELECT", 5) + command("GET", "a") + command("SELECT", 6) + command("GET", "a");
    const trips = exchange(asked, `${OK}+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n`);
    expect(trips.map(({ request }) => request?.database)).toEqual([0, 0, undefined, undefined, undefined]);
  });
});

describe("lines of text", () => {
  test("are requests", () => {
    expect(told('SET key "a value"\r\nget key\r\nPING\r\n', `${OK}$7\r\na value\r\n+PONG\r\n`)).toEqual([
      "SET key simple string ok",
      "GET key bulk string ok",
      "PING simple string ok",
    ]);
    expect(exchange('SET key "a \\" value" EX 5\r\n', OK)[0]?.request).toMatchObject({ argumentCount: 4, keys: 1 });
  });

  test("with LF alone, and empty ones between", () => {
    expect(told("PING\n\r\n\nPING\n", "+PONG\r\n+PONG\r\n")).toEqual(["PING simple string ok", "PING simple string ok"]);
  });

  test("among arrays", () => {
    expect(told(`${command("PING")}exists a\r\n${command("QUIT")}`, `+PONG\r\n:0\r\n${OK}`)).toEqual([
      "PING simple string ok",
      "EXISTS a integer ok",
      "QUIT simple string ok",
    ]);
  });

  test("longer than is looked at", () => {
    const talk = redis().send("client", `${command("PING")}SET key ${"v".repeat(5000)}\r\nPING\r\n`, 900);
    talk.send("server", `+PONG\r\n${OK}+PONG\r\n`).close();
    expect(lines(talk.packets)).toEqual(["PING simple string ok", "SET key simple string ok truncated", "PING simple string ok"]);
  });

  test.each(["VALUE a 0 1\r\nx\r\nEND\r\n", "STORED\r\n", "PONG\r\n", "220 ready\r\n", "<html>"])(
    "answered by %j are no redis",
    (answer) => {
      expect(told("get a\r\n", answer)).toEqual([]);
      expect(told("PING\r\n", answer)).toEqual([]);
    },
  );

  test.each(["GET\r\n\r\n", "GET /page \r\n\r\n", "PING\r\n"])(
    "%j is no redis where HTTP answers, whose answer is told",
    (line) => {
      const answer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nno\n";
      for (const segment of [answer.length, 20, 7, 1]) {
        const talk = redis().send("client", line).send("server", answer, segment).close();
        const trips = readRoundTrips(pcap(talk.packets));
        expect(trips.map(({ protocol, status, response }) => [protocol, status, response?.statusCode])).toEqual([
          ["http", "error", 400],
        ]);
      }
    },
  );

  test("that nobody answers are none that is known of", () => {
    expect(lines(redis().send("client", "get a\r\nset b 1\r\n").close().packets)).toEqual([]);
    expect(lines(redis().send("client", "get a\r\n").reset("server").packets)).toEqual([]);
  });
});

describe("what is sent unasked", () => {
  const message = array(bulk("message"), bulk("news"), bulk("hello"));
  const confirmed = (kind: string, channel: string, count: number) => array(bulk(kind), bulk(channel), `:${count}\r\n`);

  test("messages of a subscription are no responses", () => {
    const talk = redis()
      .send("client", command("SUBSCRIBE", "news"))
      .send("server", confirmed("subscribe", "news", 1) + message);
    talk
      .send("server", message + message)
      .send("client", command("PING"))
      .send("server", message + array(bulk("pong"), bulk("")));
    talk.send("client", command("UNSUBSCRIBE", "news")).send("server", message + confirmed("unsubscribe", "news", 0));
    talk.send("client", command("GET", "a")).send("server", bulk("x")).close();
    expect(lines(talk.packets)).toEqual(["SUBSCRIBE array ok", "PING array ok", "UNSUBSCRIBE array ok", "GET a bulk string ok"]);
  });

  test("a subscription to several channels has one answer", () => {
    const answer = confirmed("subscribe", "a", 1) + confirmed("subscribe", "b", 2);
    const talk = redis()
      .send("client", command("SUBSCRIBE", "a", "b"))
      .send("server", answer, 20)
      .send("client", command("PING"));
    const trips = tripsOf(talk.send("server", "+PONG\r\n").close().packets);
    expect(trips.map(({ request }) => request?.command)).toEqual(["SUBSCRIBE", "PING"]);
    expect(trips[0]?.response?.bytes).toBe(answer.length);
  });

  test("an array that looks like a message is a response where nothing is subscribed", () => {
    expect(told(command("LRANGE", "l", 0, -1), message)).toEqual(["LRANGE l array ok"]);
  });

  test("pushes beside replies", () => {
    const invalidate = ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\na\r\n";
    const push = ">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n";
    const talk = redis().send("client", command("HELLO", 3)).send("server", "%1\r\n$5\r\nproto\r\n:3\r\n");
    talk.send("client", command("SUBSCRIBE", "news") + command("GET", "a"));
    talk.send("server", `${invalidate}>3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n${push}$1\r\nx\r\n${invalidate}`, 9).close();
    expect(lines(talk.packets)).toEqual(["HELLO map ok", "SUBSCRIBE push ok", "GET a bulk string ok"]);
    expect(tripsOf(talk.packets)[2]?.response?.bytes).toBe(7);
  });

  test("lines of MONITOR", () => {
    const seen = '+1339518083.107412 [0 127.0.0.1:60866] "keys" "*"\r\n';
    const talk = redis()
      .send("client", command("MONITOR"))
      .send("server", OK + seen)
      .send("server", seen + seen, 13);
    talk
      .send("client", command("RESET"))
      .send("server", `${seen}+RESET\r\n`)
      .send("client", command("GET", "a"))
      .send("server", "+5\r\n");
    expect(lines(talk.close().packets)).toEqual(["MONITOR simple string ok", "RESET simple string ok", "GET a simple string ok"]);
  });

  test("RESET goes back to the first database", () => {
    const talk = redis();
    for (const [asked, answer] of [
      [command("SELECT", 3), OK],
      [command("RESET"), "+RESET\r\n"],
      [command("GET", "a"), "$-1\r\n"],
    ])
      talk.send("client", asked!).send("server", answer!);
    expect(tripsOf(talk.close().packets).map(({ request }) => request?.database)).toEqual([0, 3, 0]);
  });

  test("what a replica gets", () => {
    const talk = redis()
      .send("client", command("PSYNC", "?", -1))
      .send("server", "+FULLRESYNC 8371b4fb 0\r\n$5\r\nREDIS");
    talk
      .send("server", command("SET", "a", 1))
      .send("client", command("REPLCONF", "ACK", 0))
      .close();
    expect(lines(talk.packets)).toEqual(["PSYNC simple string ok upgrade"]);
  });
});

describe("requests without an answer", () => {
  test("to a client that wants none", () => {
    const asked = ["PING", "CLIENT REPLY OFF", "PING", "PING", "CLIENT REPLY ON", "CLIENT REPLY SKIP", "PING", "PING"];
    const talk = redis().send("client", asked.map((text) => command(...text.split(" "))).join(""));
    talk.send("server", `+PONG\r\n${OK}+PONG\r\n`).close();
    const silent = lines(talk.packets).filter((text) => text.endsWith("unobserved"));
    const [off, ping] = ["CLIENT REPLY - unobserved", "PING - unobserved"];
    expect(silent).toEqual([off, ping, ping, off, ping]);
    expect(lines(talk.packets).length - silent.length).toBe(3);
  });

  test("closed, reset, timed out", () => {
    const asked = () => redis().send("client", command("GET", "a"));
    expect(lines(asked().close().packets)).toEqual(["GET a - closed"]);
    expect(lines(asked().reset("server").packets)).toEqual(["GET a - reset"]);
    const later = asked()
      .wait(40_000_000_000n)
      .acknowledge("server")
      .send("server", "$-1\r\n")
      .send("client", command("PING"))
      .send("server", "+PONG\r\n");
    expect(lines(later.packets, { streamTimeoutMs: 20_000 })).toEqual([
      "GET a - timeout",
      "- bulk string ok",
      "PING simple string ok",
    ]);
  });

  test.each([
    ["BLPOP", "a", 0],
    ["XREAD", "BLOCK", 0, "STREAMS", "a", "$"],
    ["WAIT", 1, 0],
    ["BZMPOP", 0, 1, "a", "MIN"],
  ])("%s may wait for long, and what waits behind it", (...words) => {
    const talk = redis()
      .send("client", command(...words) + command("GET", "b"))
      .wait(60_000_000_000n);
    // Time has passed for everything that waits before the reply comes.
    for (let count = 0; count < 20; count++) talk.acknowledge("server");
    talk.send("server", `*-1\r\n$-1\r\n`).close();
    const found = tripsOf(talk.packets, { streamTimeoutMs: 20_000 });
    expect(found.map(({ status }) => status)).toEqual(["ok", "ok"]);
    expect(found[0]?.durationNs).toBe(60_021_000_000);
  });
});

describe("broken messages", () => {
  test.each(["*1\r\n+PING\r\n", "*1\r\n$x\r\nPING\r\n", "*1\r\n$4\r\nPINGPONG\r\n"])("a request: %j", (bad) => {
    const talk = redis().send("client", command("GET", "a")).send("server", "$-1\r\n").send("client", bad);
    talk
      .send("server", "-ERR Protocol error: expected '$'\r\n")
      .send("client", command("GET", "b"))
      .send("server", "$-1\r\n")
      .close();
    const found = lines(talk.packets);
    expect(found[0]).toBe("GET a bulk string ok");
    expect(found.at(-1)).toBe("GET b bulk string ok");
  });

  test("a reply", () => {
    const talk = redis().send("client", command("GET", "a")).send("server", "nonsense\r\n").send("client", command("GET", "b"));
    expect(lines(talk.send("server", "$-1\r\n").close().packets)).toEqual(["GET a - unobserved", "GET b bulk string ok"]);
  });
});

test("what a library asks for itself in the beginning does not make its application one that never waits", () => {
  const talk = redis()
    .send("client", command("CLIENT", "ID"))
    .send("client", command("CLIENT", "SETINFO", "a", "b"));
  talk.send("server", ":1\r\n").send("client", command("CLIENT", "SETINFO", "c", "d"));
  talk.send("server", OK + OK).acknowledge("client");
  talk.lose("client", command("GET", "lost")).send("server", bulk("lost")).acknowledge("client");
  for (const key of ["a", "b"]) talk.send("client", command("GET", key)).send("server", bulk(key)).acknowledge("client");
  const gets = lines(talk.close().packets).filter((text) => text.includes("GET"));
  expect(gets).toEqual(["GET a bulk string ok", "GET b bulk string ok"]);
});
