/** Opens records of TLS with secrets that the core never sees (assembly/host.ts). All of it answers at once. */
export interface TlsOpener {
  /** Whether there may be secrets that no file brings. */
  readonly hasOthers: boolean;
  /** Takes a part of a key log that a file brings, or all of it; not there where none is taken out of files. */
  take?(text: Uint8Array, isBeginning: boolean, isEnd: boolean): void;
  /**
   * Makes keys for the connection of a question: version u16, cipher u16, both least significant byte first, and the randoms of client and
   * server, 32 bytes each. Their number, from 1 on; 0 where there are no secrets yet, -1 where there never will be keys.
   */
  open(question: DataView): number;
  /**
   * Opens a record, its header with it, as number `sequence` of its sender, into `target`, with the keys that come `ahead` times after the
   * sender's last ones; the bytes of plaintext, or -1.
   */
  record(keys: number, sender: TlsSender, sequence: number, record: Uint8Array, target: Uint8Array, ahead: number): number;
  /** A sender's keys follow from its last ones from here on. */
  next(keys: number, sender: TlsSender): void;
  /** Keys are not asked for any more. */
  close(keys: number): void;
  /** Nothing is asked for any more: lets go of where the secrets come from. */
  end?(): void;
}

/** Whose record it is: the client's, the server's, one that the client sent before the server answered, or the server's in its handshake. */
export type TlsSender = 0 | 1 | 2 | 3;

/** Bytes of the question that `open` is put. */
export const TLS_QUESTION_BYTES = 68;
