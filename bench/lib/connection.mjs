/** The segments of TCP connections: sequence numbers, flags, acknowledgements as real stacks send them. */
const SYN = 2;
const ACK = 16;
const PSH = 8;
const FIN = 1;

export class Connection {
  constructor(world, ends) {
    this.ends = ends;
    this.sequence = [world.pick(2 ** 32), world.pick(2 ** 32)];
  }

  segment(side, flags, payload = Buffer.alloc(0)) {
    const { sequence, ends } = this;
    const tcp = { seq: sequence[side], ack: flags === SYN ? 0 : sequence[side ^ 1], flags };
    this.skip(side, payload.length + (flags & (SYN | FIN) ? 1 : 0));
    return [ends[side], ends[side ^ 1], payload, tcp];
  }

  /** Data of one side, 0 for the client. */
  data(side, payload) {
    return this.segment(side, ACK | PSH, payload);
  }

  acknowledgement(side) {
    return this.segment(side, ACK);
  }

  /** Goes on as if one side had sent bytes that nobody saw. */
  skip(side, bytes) {
    this.sequence[side] = (this.sequence[side] + bytes) >>> 0;
  }

  *handshake() {
    yield this.segment(0, SYN);
    yield this.segment(1, SYN | ACK);
    yield this.segment(0, ACK);
  }

  *end() {
    yield this.segment(0, FIN | ACK);
    yield this.segment(1, FIN | ACK);
    yield this.segment(0, ACK);
  }
}

/** A connection with its handshake and its end; `talk` yields what is said: [fromClient, bytes]. */
export function connection(world, port, talk) {
  return talkOn(new Connection(world, world.pair(port)), talk);
}

/** The same on a connection that is made already. */
export function* talkOn(made, talk) {
  yield* made.handshake();
  let quiet = 0;
  for (const [fromClient, bytes] of talk) {
    yield made.data(fromClient ? 0 : 1, bytes);
    if (!fromClient && ++quiet % 2 === 0) yield made.acknowledgement(0);
  }
  yield* made.end();
}
