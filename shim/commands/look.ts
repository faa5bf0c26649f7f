import { limitWords } from "../../engine/capture-end";
import type { Core, CoreOptions, CoreSink } from "../../engine/core";
import type { InterfaceNaming } from "../../engine/round-trip";
import { fileFilter } from "../capture/filter/file-filter";
import { namingOf, showsSeveral } from "../capture/interface-naming";
import { OwnNetworks } from "../capture/own-networks";
import { CaptureSession, type SessionSource, say } from "../capture/session";
import { loadCore } from "../core";
import { setFilter } from "../filter";
import { forcedProtocols } from "../forced-protocols";
import { exitSummary, type Shown } from "../output/exit-summary";
import { MinuteCounts } from "../output/minute-counts";
import { openOwners } from "../owner/open-owners";
import type { Owners } from "../owner/owners";
import { openerOf } from "../tls/key-file";

/** What every command is told that looks at the round trips of an interface or a capture. */
export interface LookOptions extends SessionSource {
  /** Round trips that are wanted (docs/filters.md). */
  filter?: string;
  raw?: boolean;
  /** Whether headers are kept, and how many bytes of bodies. */
  headers?: boolean;
  body?: number;
  keepDuplicates?: boolean;
  hostNetwork?: string[];
  /** A key log, with which TLS is opened; it may grow. */
  tlsKeys?: string;
  /** Protocols that are spoken at a port, as http:8080,redis:7000. */
  protocol?: string;
  /** Whether it is found out whose connections are; it is unless false. */
  owners?: boolean;
}

/** A source, the core that understands it, and what is said in the end: what watch, log, stat and overview have in common. */
export class Look {
  private readonly counts: MinuteCounts;

  private constructor(
    readonly core: Core,
    readonly session: CaptureSession,
    readonly isLive: boolean,
    /** How interfaces are named. */
    readonly naming: InterfaceNaming,
    private readonly isFiltered: boolean,
    private readonly owners: Owners | undefined,
  ) {
    this.counts = new MinuteCounts(core);
  }

  /** Opens what is looked at. Throws Failure. */
  static async open(
    protocols: readonly string[],
    options: LookOptions,
    more: Pick<CoreOptions, "budgetBytes" | "allEvents" | "stages"> = {},
  ): Promise<Look> {
    const { raw, headers, body: bodyBytes, keepDuplicates, filter, tlsKeys, interface: name } = options;
    const isLive = name !== undefined;
    const ownNetworks = isLive && options.hostNetwork === undefined ? new OwnNetworks() : undefined;
    const packets = isLive ? undefined : fileFilter(options.captureFilter);
    const tlsOpener = openerOf(tlsKeys, isLive);
    const owners = isLive ? openOwners(options.owners !== false, say) : undefined;
    const core = loadCore({
      events: true,
      raw,
      headers,
      bodyBytes,
      keepDuplicates,
      hostNetworks: ownNetworks?.current ?? options.hostNetwork,
      packetFilter: packets?.programOf,
      stages: showsSeveral(name),
      tlsOpener,
      forced: forcedProtocols(options.protocol),
      ownerOf: owners?.ownerOf,
      ...more,
    });
    const session = new CaptureSession(core, options, { filter: packets, ownNetworks });
    setFilter(core, filter, protocols);
    return new Look(core, session, isLive, namingOf(core, name), filter !== undefined || protocols.length > 0, owners);
  }

  /** Reads the source, with a call of `turn` between pieces, as long as that answers true. Throws Failure. */
  async run(turn: () => Promise<boolean>): Promise<void> {
    try {
      await this.session.run(turn);
    } finally {
      this.owners?.close();
    }
  }

  /** Counts what comes by from now on, and gives the events of the core out. */
  drainTo(events?: CoreSink["events"]): void {
    this.core.drainTo({ events, bundle: (bundle) => this.counts.add(bundle) });
  }

  /** Says what was seen and what came of it; to nobody but where something reached its limit, once the reader `isGone`. */
  sayEnd(shown: Pick<Shown, "roundTrips" | "leftOut">, isGone = false): void {
    const words = limitWords(this.counts.total);
    if (words) say(words);
    if (isGone) return;
    const filtered = this.isFiltered ? this.core.eventsFiltered : undefined;
    const summary = exitSummary(this.counts.total, { ...shown, filtered, knowsDrops: this.session.knowsDrops });
    process.stderr.write(`${summary}\n`);
  }
}
