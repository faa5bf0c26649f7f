/** What the core asks of its host: the only imports. */

/** The event region is full in the middle of a packet: the host takes its events out before it returns. */
export declare function eventsFull(): void;
