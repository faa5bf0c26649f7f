/** Who talks, what was asked: and the record of it. */
import { fixtureMessages } from "./fixture-messages.mjs";
import { NameStream } from "./name-stream.mjs";

const CLIENTS = 20_000;
const SERVERS = 8;
const NAMES_MAX = 400_000;

export class World {
  constructor(random, packets) {
    this.random = random;
    this.packets = packets;
    this.templates = fixtureMessages();
    this.roundTrips = 0;
    this.names = new Set();
    this.clients = new Set();
    this.nameStream = new NameStream(random, Math.min(NAMES_MAX, packets));
  }

  pick(count) {
    return Math.floor(this.random() * count);
  }

  /** A client and a server of one family; one pair in four speaks IPv6. The client is of network 10, of the other where `isIncoming`. */
  pair(serverPort, isIncoming = false) {
    const v6 = this.pick(4) === 0;
    const number = Math.floor(this.random() ** 3 * CLIENTS);
    const client = { address: addressOf(v6, isIncoming ? 192 : 10, number), port: 1024 + this.pick(60_000) };
    const server = { address: addressOf(v6, isIncoming ? 10 : 192, this.pick(SERVERS)), port: serverPort };
    this.clients.add(`${v6}${number}`);
    return [client, server];
  }

  /** A question and its answer. */
  exchange() {
    const name = this.nameStream.next();
    this.names.add(name);
    this.roundTrips += 1;
    const template = this.templates.dns[this.pick(this.templates.dns.length)];
    const id = this.pick(65_536);
    return [rename(template.query, id, name), rename(template.response, id, name)];
  }
}

function addressOf(v6, first, number) {
  if (!v6) return Buffer.from([first, 0, number >> 8, number & 255]);
  const address = Buffer.alloc(16);
  address.writeUInt32BE(0x20010db8, 0);
  address[4] = first;
  address.writeUInt32BE(number, 12);
  return address;
}

/** Puts an id and a name in place of a DNS message's own; all its names are pointers to the question. */
export function rename({ head, tail }, id, name) {
  const labels = name.split(".").flatMap((label) => [label.length, ...Buffer.from(label)]);
  const message = Buffer.concat([head, Buffer.from([...labels, 0]), tail]);
  message.writeUInt16BE(id, 0);
  return message;
}
