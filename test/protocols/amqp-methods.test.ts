/** The methods of AMQP that ask: what their arguments say, what answers them, and that nothing does where they say no-wait. */
import { describe, expect, test } from "vitest";
import { amqp, method, short, together, tripsOf, u8, u16, u32 } from "../support/amqp";

type Part = number[];

/** A method of the client, its class and number, its arguments with these bits, and the server's answer. */
interface Asked {
  name: string;
  call: [classId: number, methodId: number];
  /** Arguments; `bits` where it has some. */
  parts: (bits: number) => Part[];
  request: Record<string, string>;
  answer: number;
  answered?: Part[];
  response?: Record<string, string | number>;
  /** The bit that says no-wait; absent where it has none. */
  noWait?: number;
}

const queue = { queue: "jobs" };
const METHODS: Asked[] = [
  {
    name: "exchange.declare",
    call: [40, 10],
    parts: (bits) => [u16(0), short("x"), short("topic"), u8(bits), u32(0)],
    request: { exchange: "x" },
    answer: 11,
    noWait: 16,
  },
  {
    name: "exchange.delete",
    call: [40, 20],
    parts: (bits) => [u16(0), short("x"), u8(bits)],
    request: { exchange: "x" },
    answer: 21,
    noWait: 2,
  },
  // Messages are published to the source.
  ...[
    { name: "exchange.bind", number: 30, answer: 31 },
    { name: "exchange.unbind", number: 40, answer: 51 },
  ].map(({ name, number, answer }): Asked => {
    const parts = (bits: number) => [u16(0), short("to"), short("from"), short("k"), u8(bits), u32(0)];
    return { name, call: [40, number], parts, request: { exchange: "from", routingKey: "k" }, answer, noWait: 1 };
  }),
  {
    name: "queue.declare",
    call: [50, 10],
    parts: (bits) => [u16(0), short("jobs"), u8(bits), u32(0)],
    request: queue,
    answer: 11,
    answered: [short("jobs"), u32(3), u32(1)],
    response: { queue: "jobs", messageCount: 3 },
    noWait: 16,
  },
  {
    name: "queue.bind",
    call: [50, 20],
    parts: (bits) => [u16(0), short("jobs"), short("x"), short("k"), u8(bits), u32(0)],
    request: { ...queue, exchange: "x", routingKey: "k" },
    answer: 21,
    noWait: 1,
  },
  {
    name: "queue.unbind",
    call: [50, 50],
    parts: () => [u16(0), short("jobs"), short("x"), short("k"), u32(0)],
    request: { ...queue, exchange: "x", routingKey: "k" },
    answer: 51,
  },
  {
    name: "queue.purge",
    call: [50, 30],
    parts: (bits) => [u16(0), short("jobs"), u8(bits)],
    request: queue,
    answer: 31,
    answered: [u32(70_000)],
    response: { messageCount: 70_000 },
    noWait: 1,
  },
  {
    name: "queue.delete",
    call: [50, 40],
    parts: (bits) => [u16(0), short("jobs"), u8(bits)],
    request: queue,
    answer: 41,
    answered: [u32(5)],
    response: { messageCount: 5 },
    noWait: 4,
  },
  { name: "basic.qos", call: [60, 10], parts: () => [u32(0), u16(10), u8(0)], request: {}, answer: 11 },
  {
    name: "basic.consume",
    call: [60, 20],
    parts: (bits) => [u16(0), short("jobs"), short("me"), u8(bits), u32(0)],
    request: { ...queue, consumerTag: "me" },
    answer: 21,
    answered: [short("me")],
    response: { consumerTag: "me" },
    noWait: 8,
  },
  {
    name: "basic.cancel",
    call: [60, 30],
    parts: (bits) => [short("me"), u8(bits)],
    request: { consumerTag: "me" },
    answer: 31,
    answered: [short("me")],
    noWait: 1,
  },
  { name: "basic.recover", call: [60, 110], parts: () => [u8(1)], request: {}, answer: 111 },
  { name: "confirm.select", call: [85, 10], parts: (bits) => [u8(bits)], request: {}, answer: 11, noWait: 1 },
  { name: "tx.select", call: [90, 10], parts: () => [], request: {}, answer: 11 },
  { name: "tx.commit", call: [90, 20], parts: () => [], request: {}, answer: 21 },
  { name: "tx.rollback", call: [90, 30], parts: () => [], request: {}, answer: 31 },
  { name: "channel.open", call: [20, 10], parts: () => [short("")], request: {}, answer: 11, answered: [u32(0)] },
];

describe("methods", () => {
  test.each(METHODS)("$name", ({ name, call, parts, request, answer, answered = [], response = {}, noWait }) => {
    const [className, methodName] = name.split(".");
    const said = { channel: 5, class: className };
    const asked = method(5, ...call, ...parts(0));
    const back = method(5, call[0], answer, ...answered);
    const [trip] = tripsOf(amqp().send("client", asked).send("server", back).close().packets);
    expect(trip).toMatchObject({ status: "ok", marks: [] });
    expect(trip?.request).toEqual({ bytes: asked.length, ...said, method: methodName, sender: "client", ...request });
    expect(trip?.response).toEqual({ bytes: back.length, ...said, method: `${methodName}-ok`, ...response });
    if (noWait === undefined) return;
    // All other bits say nothing of an answer.
    const others = amqp()
      .send("client", method(5, ...call, ...parts(0xff & ~noWait)))
      .send("server", back);
    expect(tripsOf(others.packets).map((one) => one.response?.method)).toEqual([`${methodName}-ok`]);
    const alone = method(5, ...call, ...parts(noWait));
    const trips = tripsOf(amqp().send("client", together(alone, asked)).send("server", back).close().packets);
    expect(trips.map((one) => [one.status, one.response?.method])).toEqual([
      ["ok", undefined],
      ["ok", `${methodName}-ok`],
    ]);
  });
});
