/** TLS over hand-made streams. */
import type { CoreOptions } from "../../engine/core";
import type { RoundTrip } from "../../engine/round-trip";
import { type Bytes, type Captured, Conversation, join, number, pcap, toBytes, u16 } from "./pcap-builder";
import { readRoundTrips } from "./round-trips";

const u24 = (value: number) => number(value, 3);

/** Bytes with their length before them, in `width` bytes. */
const sized = (width: number, ...parts: Bytes[]) => {
  const content = join(...parts);
  return join(number(content.length, width), content);
};

/** A connection to a server's port 443 that is open. */
export function tls(form: ConstructorParameters<typeof Conversation>[0] = {}): Conversation {
  return new Conversation({ serverPort: 443, ...form }).open();
}

/** A record. */
export const record = (type: number, content: Bytes, version = 0x0303) => join([type], u16(version), sized(2, content));

/** A handshake message. */
export const message = (type: number, content: Bytes) => join([type], u24(toBytes(content).length), content);

/** A message cut into records of `bytes`. */
export function records(content: Uint8Array, bytes: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < content.length; at += bytes) parts.push(record(22, content.subarray(at, at + bytes)));
  return join(...parts);
}

/** An extension. */
export const extension = (type: number, content: Bytes = []) => join(u16(type), sized(2, content));

/** Extensions by name. */
export const EXTENSION = {
  serverName: (name: string) => extension(0, sized(2, [0], sized(2, name))),
  groups: (...values: number[]) => extension(10, sized(2, ...values.map(u16))),
  formats: (...values: number[]) => extension(11, sized(1, values)),
  signatures: (...values: number[]) => extension(13, sized(2, ...values.map(u16))),
  alpn: (...names: string[]) => extension(16, sized(2, ...names.map((name) => sized(1, name)))),
  versions: (...values: number[]) => extension(43, sized(1, ...values.map(u16))),
  version: (value: number) => extension(43, u16(value)),
  keyShare: (bytes = 32) => extension(51, sized(2, u16(29), sized(2, new Uint8Array(bytes).fill(7)))),
  preShared: () => extension(41, new Uint8Array(60).fill(9)),
  chosenKey: () => extension(41, u16(0)),
  ech: () => extension(0xfe0d, new Uint8Array(40).fill(5)),
};

interface HelloForm {
  version?: number;
  random?: Bytes;
  session?: Bytes;
  ciphers?: number[];
  extensions?: Uint8Array[];
}

const RANDOM = Uint8Array.from({ length: 32 }, (_, index) => index + 100);

/** A ClientHello message. */
export function clientHello(form: HelloForm = {}): Uint8Array {
  const { version = 0x0303, random = RANDOM, session = [], ciphers = [0x1301, 0xc02f], extensions } = form;
  const head = join(u16(version), random, sized(1, session), sized(2, ...ciphers.map(u16)), sized(1, [0]));
  return message(1, extensions === undefined ? head : join(head, sized(2, ...extensions)));
}

/** A ServerHello message. */
export function serverHello(form: Omit<HelloForm, "ciphers"> & { cipher?: number } = {}): Uint8Array {
  const { version = 0x0303, random = RANDOM, session = [], cipher = 0xc02f, extensions } = form;
  const head = join(u16(version), random, sized(1, session), u16(cipher), [0]);
  return message(2, extensions === undefined ? head : join(head, sized(2, ...extensions)));
}

/** Random of a HelloRetryRequest. */
export const RETRY_RANDOM = Uint8Array.from(
  "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c".match(/../g)!,
  (pair) => Number.parseInt(pair, 16),
);

export const CHANGE_CIPHER_SPEC = record(20, [1]);
/** What is under keys, by length. */
export const sealed = (bytes: number, type = 23) =>
  record(
    type,
    Uint8Array.from({ length: bytes }, (_, index) => (index * 89 + 37) & 255),
  );
export const alert = (level: number, description: number) => record(21, [level, description]);

const SESSION = new Uint8Array(32).fill(3);

/** Both sides of a handshake of TLS 1.3, in flights. */
export function handshake13(name = "lab.test", alpn = ["h2", "http/1.1"]): ["client" | "server", Uint8Array][] {
  const asked = clientHello({
    session: SESSION,
    extensions: [
      EXTENSION.serverName(name),
      EXTENSION.groups(29, 23),
      EXTENSION.signatures(0x0403, 0x0804),
      EXTENSION.alpn(...alpn),
      EXTENSION.versions(0x0304, 0x0303),
      EXTENSION.keyShare(),
    ],
  });
  const answer = serverHello({
    session: SESSION,
    cipher: 0x1301,
    extensions: [EXTENSION.version(0x0304), EXTENSION.keyShare()],
  });
  return [
    ["client", record(22, asked, 0x0301)],
    ["server", join(record(22, answer), CHANGE_CIPHER_SPEC, sealed(60), sealed(900), sealed(53))],
    ["client", join(CHANGE_CIPHER_SPEC, sealed(53), sealed(100))],
    ["server", join(sealed(240), sealed(500))],
  ];
}

/** Both sides of a full handshake of TLS 1.2, in flights. */
export function handshake12(name = "old.lab.test"): ["client" | "server", Uint8Array][] {
  const asked = clientHello({ ciphers: [0xc02f, 0x009c], extensions: [EXTENSION.serverName(name), EXTENSION.alpn("http/1.1")] });
  const answer = serverHello({ session: SESSION, extensions: [EXTENSION.alpn("http/1.1")] });
  const certificate = message(11, new Uint8Array(700).fill(0x30));
  return [
    ["client", record(22, asked, 0x0301)],
    [
      "server",
      join(record(22, join(answer, certificate)), record(22, message(12, new Uint8Array(80))), record(22, message(14, []))),
    ],
    ["client", join(record(22, message(16, new Uint8Array(66))), CHANGE_CIPHER_SPEC, sealed(40, 22))],
    ["server", join(CHANGE_CIPHER_SPEC, sealed(40, 22))],
    ["client", sealed(120)],
    ["server", sealed(3000)],
  ];
}

/** A conversation of these flights. */
export function talkOf(
  flights: ["client" | "server", Bytes][],
  segmentBytes = Number.POSITIVE_INFINITY,
  form = {},
): Conversation {
  const talk = tls(form);
  for (const [side, bytes] of flights) talk.send(side, bytes, segmentBytes);
  return talk;
}

/** The TLS round trips of some packets. */
export function tripsOf(packets: Captured[], options: CoreOptions = {}): RoundTrip[] {
  return readRoundTrips(pcap(packets), { budgetBytes: 8 << 20, ...options }).filter(({ protocol }) => protocol === "tls");
}

/** A round trip in one line: "lab.test TLS 1.3 ok", with its marks behind; "-" for what is not there. */
export function line({ request, response, status, marks }: RoundTrip): string {
  const asked = request ? (request.serverName ?? "(none)") : "-";
  return [asked, response?.version ?? "-", status, ...marks.filter((mark) => mark !== "mid-stream")].join(" ");
}

/** The lines of some packets' round trips. */
export function lines(packets: Captured[], options: CoreOptions = {}): string[] {
  return tripsOf(packets, options).map(line);
}
