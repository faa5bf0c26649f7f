import type { Socket } from "node:net";

/** How many may be connected at the same time. */
export const CONNECTIONS_MAX = 32;

/** Who is connected. Where there is no room, the first of those goes that have not shown the token: they cannot keep out who has it. */
export class Places {
  private readonly strangers = new Set<Socket>();
  private readonly trusted = new Set<Socket>();

  /** Takes a connection in, or closes it where all others have shown the token. */
  enter(socket: Socket): void {
    this.strangers.add(socket);
    socket.once("close", () => this.leave(socket));
    if (this.strangers.size + this.trusted.size <= CONNECTIONS_MAX) return;
    const [first = socket] = this.strangers;
    this.leave(first);
    first.destroy();
  }

  /** Notes that a connection has shown the token. */
  trust(socket: Socket): void {
    if (this.strangers.delete(socket)) this.trusted.add(socket);
  }

  private leave(socket: Socket): void {
    this.strangers.delete(socket);
    this.trusted.delete(socket);
  }
}
