/** Takes each packet once it is decoded; what it is stands in `Packet`. */

/** A TCP segment whose header could be read. */
export function onTcp(): void {}

/** A UDP datagram whose header could be read. */
export function onUdp(): void {}

/** Every other packet: `Packet.ipVersion` is 0 where there was no IP header. */
export function onOther(): void {}
