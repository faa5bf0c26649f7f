import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { limitWords } from "../../engine/capture-end";
import type { Core } from "../../engine/core";
import type { CaptureCounts } from "../../engine/summary";
import { feedCapture } from "../capture/capture-reader";
import type { FileFilter } from "../capture/filter/file-filter";
import { type LiveOptions, ownNetworks } from "../capture/live";
import { becomeAccount } from "../capture/privileges";
import type { RunOptions } from "../capture/thread-orders";
import { loadCore } from "../core";
import { Failure, reasonOf } from "../failure";
import type { Totals } from "../listen/totals";
import { exitSummary } from "../output/exit-summary";
import { MinuteCounts } from "../output/minute-counts";
import { formatNumberOf } from "../output/units";
import { Delivery, type DeliveryCounts } from "../post/delivery";
import { CLOCK_OFFSET_MAX_MS, HubClock } from "../post/hub-clock";
import { BootTags } from "../spool/boot-tags";
import { SPOOL_LIMITS, Spool } from "../spool/spool";
import { openerOf } from "../tls/key-file";
import { USER_AGENT } from "../version";
import { CpuKeeper } from "./cpu-keeper";
import { type InterfaceReader, mergingCore, readAlone, readByThreads } from "./interface-reader";
import { MinuteKeeper } from "./minute-keeper";
import { OpenMinutes } from "./open-minutes";
import { postingTime, SEAL_MS } from "./posting-time";
import { FileRun, newBootId } from "./run-state";
import { ServiceManager } from "./service-manager";
import type { AgentSettings, InterfaceSource } from "./settings";

const TICK_MS = 1000;
/** Of minutes that wait in memory while the spool cannot be written: a quarter of an hour of the busiest at the least. */
const HELD_BYTES_MAX = 1 << 20;
/** How long an agent that is told to end goes on posting. */
const FAREWELL_MS = 5000;

/** Reads packets and sees to it that each minute of them reaches the hub. */
export class Agent {
  private readonly spool: Spool;
  private readonly bootTags: BootTags;
  private readonly keeper: MinuteKeeper;
  private readonly ending = new AbortController();
  private readonly service: ServiceManager;
  private counts: MinuteCounts | undefined;
  private readonly posted: DeliveryCounts = { stored: 0, duplicates: 0, refused: 0 };
  private totals: Totals | undefined;
  private isReading = false;
  private delivery: Delivery | undefined;
  private closePoster = () => {};
  private reader: InterfaceReader | undefined;
  private cpu: CpuKeeper | undefined;
  private failed = false;
  /** Whether what the kernel drops is counted, so that none can be said. */
  private knowsDrops: boolean | undefined;
  private openMinutes: OpenMinutes | undefined;
  private isUnnoted = false;
  private readonly hubClock = new HubClock();
  private isClockOff = false;

  constructor(
    private settings: AgentSettings,
    private readonly say: (line: string) => void,
  ) {
    this.service = new ServiceManager(process.env, say, TICK_MS);
    this.spool = new Spool(settings.spoolFolder, { ...SPOOL_LIMITS, bytesMax: settings.spoolBytesMax });
    this.bootTags = new BootTags(this.spool.folder);
    this.bootTags.forgetAllBut(this.spool.names);
    this.keeper = new MinuteKeeper(this.spool, {
      // A file can be read again; what comes from an interface waits for room.
      heldBytesMax: settings.source.kind === "files" ? 0 : HELD_BYTES_MAX,
      onKept: () => this.delivery?.wake(),
      onHeld: ({ message }) => this.say(`${message}; until then minutes wait in memory`),
      onWritten: () => this.say("the spool has room again, and all minutes that waited"),
      onLost: (failure) => {
        if (settings.source.kind === "files") throw failure;
        this.fail(failure.message);
      },
    });
  }

  /** Tells the agent to end: what is open is sealed, kept, and posted if that goes quickly. */
  end(): void {
    this.ending.abort();
    this.service.stopping("sealing and posting what is open");
    const { source } = this.settings;
    if (source.kind === "files" && source.paths.includes("-")) process.stdin.destroy();
  }

  /** Runs to the end of the input or until it is told to end; gives the exit code. */
  async run(): Promise<number> {
    await this.openDelivery();
    let closeListener = () => {};
    try {
      closeListener = await this.openListener();
      if (this.settings.source.kind === "files") await this.readFiles(this.settings.source.paths, this.settings.source.filter);
      else await this.readInterface(this.settings.source);
      await this.deliverRest();
    } finally {
      this.delivery?.stop();
      this.closePoster();
      closeListener();
    }
    this.sayEnd();
    return this.failed ? 1 : 0;
  }

  /** Takes over settings that may change while it runs; all others are as they were. Throws Failure, and nothing has changed. */
  async take(settings: AgentSettings): Promise<void> {
    const { edge, hub, source } = this.settings;
    if (settings.edge !== edge) throw new Failure(`the key is of edge ${settings.edge}, and this is ${edge}`);
    if (source.kind === "interface" && settings.source.kind === "interface") {
      if (this.reader === undefined) throw new Failure("the agent does not capture yet; say it again");
      this.takeSource(this.reader, source, settings.source);
    }
    this.spool.limit(settings.spoolBytesMax);
    this.settings = settings;
    if (isDeepStrictEqual(hub, settings.hub) || this.ending.signal.aborted) return;
    await this.delivery?.leave();
    this.closePoster();
    this.delivery = undefined;
    await this.openDelivery();
  }

  private takeSource(reader: InterfaceReader, before: InterfaceSource, after: InterfaceSource): void {
    if (before.live.filter !== after.live.filter) reader.refilter(after.live.filter);
    if (before.cpuPercentMax === after.cpuPercentMax) return;
    reader.sample(1);
    this.cpu = cpuKeeperOf(after, reader, this.say);
  }

  /** Opens the agent's HTTP; the totals that it shows have a core of their own, which is there only then. */
  private async openListener(): Promise<() => void> {
    const { listen: wanted, budgetBytes } = this.settings;
    if (wanted === undefined) return () => {};
    const [{ listen }, { Totals }] = await Promise.all([import("../listen/server"), import("../listen/totals")]);
    const totals = new Totals(mergingCore(budgetBytes));
    this.totals = totals;
    const { words, close } = await listen(wanted.address, wanted.token, { totals, isReady: () => this.isReading });
    this.say(`metrics are at ${words}${words.startsWith("http") ? "/metrics" : ""}`);
    return close;
  }

  private async openDelivery(): Promise<void> {
    const { hub, edge, tags, source } = this.settings;
    if (hub === undefined) {
      this.say(`no hub is given: nothing leaves this host, minutes wait in ${this.spool.folder}`);
      return;
    }
    const { Poster } = await import("../post/poster");
    const poster = new Poster({
      hub: hub.address,
      key: hub.key,
      hideKey: hub.hideKey,
      userAgent: USER_AGENT,
      onTime: (...times) => this.noteTime(...times),
    });
    this.closePoster = () => poster.close();
    const isLive = source.kind === "interface";
    const dueMs = isLive ? (name: string) => postingTime(name, edge, this.hubClock.offsetMs) : undefined;
    const tagsOf = (name: string) => this.bootTags.tagsOf(name) ?? tags;
    const options = { dueMs, tagsOf, say: this.say, stopWhenHeld: !isLive, counts: this.posted };
    this.delivery = new Delivery(this.spool, poster, options);
    this.delivery.start();
  }

  /** What a core of a run is to do. */
  private begin(bootId: bigint, isLive: boolean): RunOptions {
    const { budgetBytes, keepDuplicates, hostNetworks, tags, theta, labels, tlsKeys } = this.settings;
    this.bootTags.note(bootId, tags);
    const networks = hostNetworks ?? (isLive ? ownNetworks() : undefined);
    return { bootId, budgetBytes, keepDuplicates, theta, labels, hostNetworks: networks, live: isLive, tlsKeys };
  }

  private async openCore({ tlsKeys, ...options }: RunOptions): Promise<Core> {
    const core = loadCore({ ...options, tlsOpener: await openerOf(tlsKeys, options.live) });
    this.counts = new MinuteCounts(core);
    core.drainTo({ bundle: (bundle) => this.takeMinute(bundle) });
    return core;
  }

  private takeMinute(bundle: Uint8Array): void {
    this.keeper.take(bundle);
    this.counts?.add(bundle);
    this.totals?.add(bundle);
  }

  private async readFiles(paths: readonly string[], filter: FileFilter | undefined): Promise<void> {
    const { edge, hostNetworks, keepDuplicates, theta, labels } = this.settings;
    const settings = { edge, hostNetworks, keepDuplicates, theta, labels, filter: filter?.text };
    const run = new FileRun(this.spool.folder, paths, settings);
    const core = await this.openCore({ ...this.begin(run.bootId, false), packetFilter: filter?.programOf });
    this.say(
      `edge ${edge}: reading ${paths.join(", ")}${run.resumed ? ", whose minutes count once with those of the run before" : ""}`,
    );
    this.isReading = true;
    this.service.ready(this.status);
    for (const path of paths) {
      if (this.ending.signal.aborted) break;
      try {
        const { failure, warning } = await feedCapture(core, path, () => this.goesOn(), filter);
        if (failure) this.fail(failure);
        else if (warning) this.say(warning);
      } catch (error) {
        if (!(error instanceof Failure) || this.keeper.lost > 0) throw error;
        this.fail(error.message);
      }
      if (!this.isStopped(path)) core.flush();
    }
    await this.keeper.save();
    if (this.ending.signal.aborted && !paths.includes("-"))
      this.fail("the files were not read to their end; run the same again to go on");
  }

  /** Whether reading was broken off that will be taken up again: its open minutes are then sealed when they are whole. */
  private isStopped(path: string): boolean {
    return this.ending.signal.aborted && path !== "-";
  }

  private async readInterface(source: InterfaceSource): Promise<void> {
    const { live, threads, account } = source;
    const reader = await this.openInterface(live, threads);
    this.reader = reader;
    this.knowsDrops = reader.knowsDrops;
    if (account !== undefined) this.say(becomeAccount(account, { mayCapture: reader.reopens, folder: this.spool.folder }));
    this.openMinutes = new OpenMinutes(this.spool.folder, Date.now());
    this.countLost(reader, this.openMinutes.lost);
    this.noteOpen((open) => open.note(Date.now(), false));
    this.say(`edge ${this.settings.edge}: reading interface ${live.interface}; captured through ${reader.words}`);
    this.isReading = true;
    this.service.ready(this.status);
    this.cpu = cpuKeeperOf(source, reader, this.say);
    do {
      await sleep(TICK_MS, undefined, { signal: this.ending.signal }).catch(() => {});
      this.cpu?.turn();
      const nowMs = Date.now();
      reader.turn(nowMs);
      const settledMs = reader.settledMs(nowMs);
      await this.keeper.save();
      const { heldSinceMs = Number.POSITIVE_INFINITY } = this.keeper;
      const keptMs = Math.min(settledMs, heldSinceMs + SEAL_MS);
      this.noteOpen((open) => open.note(nowMs, this.keeper.kept > 0, keptMs));
      // Here all that was captured until now has been read, and all that was due is on disk.
      if (!this.ending.signal.aborted) this.service.alive(this.status);
    } while (!this.ending.signal.aborted);
    await reader.close();
    await this.keeper.end();
    this.noteOpen((open) => open.close(this.keeper.kept > 0));
  }

  private async openInterface(live: LiveOptions, threads: number): Promise<InterfaceReader> {
    const options = this.begin(BigInt(`0x${newBootId()}`), true);
    if (threads === 1) return readAlone(await this.openCore(options), live, this.say);
    const merging = mergingCore(this.settings.budgetBytes);
    this.counts = new MinuteCounts(merging);
    const listener = {
      bundle: (bundle: Uint8Array) => this.takeMinute(bundle),
      failed: (reason: string) => {
        this.fail(`${reason}; what the others have seen is kept, and this agent ends`);
        this.end();
      },
    };
    const budgetBytes = Math.floor(this.settings.budgetBytes / threads);
    return readByThreads(threads, merging, { ...options, budgetBytes }, live, listener, this.say);
  }

  /** Counts what was open when the run before was killed. */
  private countLost(reader: InterfaceReader, minutes: readonly number[]): void {
    const [first] = minutes;
    if (first === undefined) return;
    reader.lostMinutes(minutes.length);
    const since = new Date(first * 60_000).toISOString().slice(0, 16);
    this.say(
      `the run before was killed: what it had open, ${formatNumberOf(minutes.length, "minute")} from ${since}Z on, is lost`,
    );
  }

  /** Says once that it cannot, and tries again with the next turn. */
  private noteOpen(note: (open: OpenMinutes) => void): void {
    if (this.openMinutes === undefined) return;
    try {
      note(this.openMinutes);
      this.isUnnoted = false;
    } catch (error) {
      const why = `cannot write to the spool ${this.spool.folder}: ${reasonOf(error)}`;
      if (!this.isUnnoted) this.say(`${why}; minutes that are lost if this agent is killed now will not be counted`);
      this.isUnnoted = true;
    }
  }

  private async goesOn(): Promise<boolean> {
    await this.keeper.save();
    return !this.ending.signal.aborted;
  }

  /** Posts what waits: all of it after files, unless told to end; briefly otherwise. */
  private async deliverRest(): Promise<void> {
    if (this.delivery === undefined) return;
    const hurry = () => void this.delivery?.finish(FAREWELL_MS);
    if (this.ending.signal.aborted) hurry();
    else this.ending.signal.addEventListener("abort", hurry, { once: true });
    await this.delivery.finish();
    if (this.posted.refused > 0 || this.spool.waitingCount > 0) this.failed = true;
  }

  /** Says when the clocks are found to differ, and when they agree again. Nothing of what was read is shifted by it. */
  private noteTime(sentMs: number, receivedMs: number, hubMs: number): void {
    this.hubClock.note(sentMs, receivedMs, hubMs);
    const { offsetMs } = this.hubClock;
    const isOff = Math.abs(offsetMs) >= CLOCK_OFFSET_MAX_MS;
    if (isOff === this.isClockOff) return;
    this.isClockOff = isOff;
    const seconds = Math.round(Math.abs(offsetMs) / 1000);
    const which = `this host's clock is ${seconds} s ${offsetMs > 0 ? "ahead of" : "behind"} the hub's`;
    const effect = "minutes are named by this host's and posted by the hub's, so set it";
    this.say(isOff ? `${which}; ${effect}` : "this host's clock agrees with the hub's again");
  }

  private fail(line: string): void {
    this.failed = true;
    this.say(line);
  }

  /** How it is, in one line. */
  private get status(): string {
    const { source } = this.settings;
    const parts = [
      source.kind === "files" ? "reading files" : `reading interface ${source.live.interface}`,
      `${formatNumberOf(this.keeper.kept, "minute")} sealed`,
    ];
    if (this.delivery !== undefined) parts.push(`${this.posted.stored} posted`);
    if (this.spool.waitingCount > 0) parts.push(`${this.spool.waitingCount} waiting`);
    if (this.keeper.held > 0) parts.push(`${this.keeper.held} in memory`);
    if (this.keeper.lost > 0) parts.push(`${this.keeper.lost} lost`);
    return parts.join(", ");
  }

  private sayEnd(): void {
    const seen: CaptureCounts = this.counts?.total ?? { packets: 0, bytes: 0, dropped: 0, malformed: {}, undecoded: {} };
    const { stored, duplicates, refused } = this.posted;
    const parts = [
      exitSummary(seen, { knowsDrops: this.knowsDrops }),
      `${formatNumberOf(this.keeper.kept, "minute")} sealed`,
      `${stored} posted${duplicates > 0 ? ` (${duplicates} again)` : ""}`,
    ];
    const undated = this.counts?.undated ?? 0;
    if (undated > 0)
      parts.push(`${formatNumberOf(undated, "packet")} without a time, which belong to no minute and are not sent`);
    if (this.keeper.lost > 0) parts.push(`${this.keeper.lost} lost`);
    if (refused > 0) parts.push(`${refused} refused`);
    if (this.spool.waitingCount > 0) parts.push(`${this.spool.waitingCount} wait in ${this.spool.folder}`);
    if (this.spool.droppedCount > 0) parts.push(`${this.spool.droppedCount} dropped from the full spool`);
    this.say(parts.join(", "));
    const limit = limitWords(seen);
    if (limit) this.say(limit);
  }
}

function cpuKeeperOf(
  { cpuPercentMax }: InterfaceSource,
  reader: InterfaceReader,
  say: (line: string) => void,
): CpuKeeper | undefined {
  return cpuPercentMax === undefined ? undefined : new CpuKeeper(cpuPercentMax, reader, say);
}
