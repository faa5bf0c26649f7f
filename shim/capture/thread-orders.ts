import type { CoreOptions } from "../../engine/core";

/** What a thread that captures begins with. */
export interface ThreadStart {
  core: WebAssembly.Module;
  options: RunOptions;
  /** Whether it is found out whose connections are. */
  tellsOwners: boolean;
}

/** What a core is to do, in a form that a thread can be told: who opens TLS, and who knows owners, is made where the core is. */
export interface RunOptions extends Omit<CoreOptions, "tlsOpener" | "ownerOf"> {
  /** A key log, with which TLS is opened. */
  tlsKeys?: string;
}

/** What the main thread tells a thread that captures. */
export type ThreadOrder =
  /** Read from the source that is lent for this number. */
  | { kind: "open"; lent: number }
  /** Hand over what is there, and let the source go. */
  | { kind: "drop" }
  | { kind: "tick"; ms: number }
  | { kind: "lost"; minutes: number }
  /** Look at a share of conversations, from 0 to 1. */
  | { kind: "sample"; share: number }
  /** Give round trips out from now on, or do not. */
  | { kind: "tellEvents"; isWanted: boolean }
  /** These are the host's networks from now on. */
  | { kind: "hostNetworks"; networks: readonly string[] }
  /** So many bytes of events were taken, and as many more may come. */
  | { kind: "taken"; bytes: number }
  /** Nothing more comes: seal what is open, and end. */
  | { kind: "end" };

/** What a thread that captures tells the main thread. */
export type ThreadReport =
  /** It reads from a source. */
  | { kind: "opened" }
  | { kind: "bundle"; bytes: Uint8Array }
  /** Events that were drained, behind so many that were dropped as the main thread had not taken others. */
  | { kind: "events"; bytes: Uint8Array; lost: number }
  /** The errno that its source had. */
  | { kind: "fault"; fault: number };
