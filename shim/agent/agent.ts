import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { readBundleHeader } from "../../engine/bundle";
import type { Core } from "../../engine/core";
import type { OwnerOf } from "../../engine/owner";
import { formatNumberOf } from "../../engine/units";
import { feedCapture } from "../capture/capture-reader";
import type { FileFilter } from "../capture/filter/file-filter";
import type { LiveOptions } from "../capture/live";
import { OwnNetworks } from "../capture/own-networks";
import { type Account, becomeAccount } from "../capture/privileges";
import type { RunOptions } from "../capture/thread-orders";
import { loadCore } from "../core";
import { Failure, reasonOf } from "../failure";
import type { HttpAgent } from "../listen/agent-http";
import type { Standing } from "../listen/own-metrics";
import { MinuteCounts } from "../output/minute-counts";
import { openOwners } from "../owner/open-owners";
import { Delivery, type DeliveryCounts } from "../post/delivery";
import { HubClock } from "../post/hub-clock";
import { BootTags } from "../spool/boot-tags";
import { SPOOL_LIMITS, Spool } from "../spool/spool";
import { SpoolLock } from "../spool/spool-lock";
import { openerOfAgent } from "../tls/key-file";
import { USER_AGENT } from "../version";
import { CpuKeeper } from "./cpu-keeper";
import { deniedSince } from "./denied";
import { FullSpool } from "./full-spool";
import {
  closing,
  following,
  type InterfaceReader,
  mergingCore,
  readAlone,
  readByThreads,
  type ToldReader,
} from "./interface-reader";
import type { LevelledLog } from "./log-level";
import { MinuteKeeper } from "./minute-keeper";
import { OpenMinutes } from "./open-minutes";
import { OwnHttp } from "./own-http";
import { postingTime, SEAL_MS } from "./posting-time";
import { ProgramPages } from "./program-pages";
import type { ReloadOutcome } from "./reload";
import { FileRun, newStart } from "./run-state";
import { ServiceManager } from "./service-manager";
import { type AgentSettings, type InterfaceSource, needsNewReader } from "./settings";
import { Succession } from "./succession";
import { endLines, sealedWords } from "./words";

const TICK_MS = 1000;
/** Of minutes that wait in memory while the spool cannot be written: a quarter of an hour of the busiest at the least. */
const HELD_BYTES_MAX = 1 << 20;
/** How long an agent that is told to end goes on posting. */
const FAREWELL_MS = 5000;

/** Reads packets and sees to it that each minute of them reaches the hub. */
export class Agent {
  /** There from `open` on. */
  private spool!: Spool;
  private readonly bootTags: BootTags;
  private lock: SpoolLock | undefined;
  private readonly full: FullSpool;
  private readonly keeper: MinuteKeeper;
  private readonly ending = new AbortController();
  private readonly service: ServiceManager;
  private counts: MinuteCounts | undefined;
  private readonly posted: DeliveryCounts = { stored: 0, duplicates: 0, refused: 0 };
  private readonly http: OwnHttp;
  /** Who gives round trips out while somebody watches. */
  private teller: Pick<Core, "tellEvents"> | undefined;
  private wantsEvents = false;
  private sealed = 0;
  private reload: (() => Promise<ReloadOutcome>) | undefined;
  private isReading = false;
  private delivery: Delivery | undefined;
  private closePoster = () => {};
  private reader: Succession | undefined;
  private cpu: CpuKeeper | undefined;
  private failed = false;
  /** Whether what the kernel drops is counted, so that none can be said. */
  private knowsDrops: boolean | undefined;
  private openMinutes: OpenMinutes | undefined;
  private isUnnoted = false;
  private readonly programPages = new ProgramPages();
  private readonly hubClock = new HubClock();

  constructor(
    private settings: AgentSettings,
    private readonly log: LevelledLog,
  ) {
    log.level = settings.logLevel;
    this.http = new OwnHttp(() => this.told, log.info);
    this.service = new ServiceManager(process.env, log.info, TICK_MS);
    const { spoolFolder: folder } = settings;
    this.full = new FullSpool(log.info);
    this.bootTags = new BootTags(folder);
    const spool = { folder, put: (name: string, bytes: Uint8Array) => this.spool.put(name, bytes) };
    this.keeper = new MinuteKeeper(spool, {
      // A file can be read again; what comes from an interface waits for room.
      heldBytesMax: settings.source.kind === "files" ? 0 : HELD_BYTES_MAX,
      onKept: () => {
        this.delivery?.wake();
        this.full.note(this.spool.droppedCount, Date.now());
      },
      onHeld: ({ message }) => this.say(`${message}; until then minutes wait in memory`),
      onWritten: () => this.say("the spool has room again, and all minutes that waited"),
      onLost: (failure) => {
        if (settings.source.kind === "files") throw failure;
        this.fail(failure.message);
      },
    });
  }

  private get say(): (line: string) => void {
    return this.log.info;
  }

  /** Who reads the configuration again when the agent's HTTP is told to. */
  reloadsBy(reload: () => Promise<ReloadOutcome>): void {
    this.reload = reload;
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
    try {
      if (this.settings.source.kind === "files") await this.readFiles(this.settings.source.paths, this.settings.source.filter);
      else await this.readInterface(this.settings.source);
      this.isReading = false;
      await this.deliverRest();
    } finally {
      this.delivery?.stop();
      this.closePoster();
      await this.http.close();
      this.lock?.release();
    }
    this.sayEnd();
    return this.failed ? 1 : 0;
  }

  /** Whether it reads interfaces, so that how it does may change while it runs. */
  get isLive(): boolean {
    return this.settings.source.kind === "interface";
  }

  get edge(): string {
    return this.settings.edge;
  }

  /** Who it becomes once it captures, if anybody. */
  get account(): Account | undefined {
    return this.settings.source.kind === "interface" ? this.settings.source.account : undefined;
  }

  /**
   * Takes over settings that may change while it runs; all others are as they were. Gives the time from which on another reader has the
   * packets, where it takes one, ms since the epoch. Throws Failure, and nothing has changed.
   */
  async take(settings: AgentSettings): Promise<number | undefined> {
    const { edge, hub } = this.settings;
    if (settings.edge !== edge) throw new Failure(`the key is of edge ${settings.edge}, and this is ${edge}`);
    const http = await this.http.prepare(settings.listen, settings.budgetBytes);
    const sinceMs = await this.takeSource(settings).catch((cause: unknown) => {
      http.drop();
      throw cause;
    });
    http.take();
    // What was said by HTTP since stands until a configuration says something else.
    if (settings.logLevel !== this.settings.logLevel) this.log.level = settings.logLevel;
    this.spool.limit(settings.spoolBytesMax);
    this.settings = settings;
    await this.reader?.settled();
    if (isDeepStrictEqual(hub, settings.hub) || this.ending.signal.aborted) return sinceMs;
    await this.delivery?.leave();
    this.closePoster();
    this.delivery = undefined;
    await this.openDelivery();
    return sinceMs;
  }

  private async takeSource(settings: AgentSettings): Promise<number | undefined> {
    const [before, after] = [this.settings.source, settings.source];
    if (before.kind !== "interface" || after.kind !== "interface") return undefined;
    const { reader } = this;
    if (reader === undefined) throw new Failure("the agent does not capture yet; say it again");
    const isOther = before.live.interface !== after.live.interface || before.live.filter !== after.live.filter;
    if (needsNewReader(this.settings, settings) || (isOther && !reader.choose(after.live)))
      return this.succeed(reader, settings, after);
    if (before.cpuPercentMax === after.cpuPercentMax) return undefined;
    reader.sample(1);
    this.cpu = cpuKeeperOf(after, reader, this.say);
    return undefined;
  }

  /** Has a reader with other settings take over; gives the time of its first packets. */
  private async succeed(reader: Succession, settings: AgentSettings, source: InterfaceSource): Promise<number> {
    if (!reader.mayEnd) throw new Failure(`${reader.words} hands over to no other capture; start the agent anew`);
    const live = { ...source.live, waits: true };
    const bootId = newStart();
    this.bootTags.note(bootId, settings.tags);
    const next = await this.openReader(settings, { ...source, live }, bootId);
    if (this.ending.signal.aborted) {
      await next.close();
      throw new Failure("the agent is about to end");
    }
    const sinceMs = await reader.begin(next);
    this.tellThrough(reader);
    this.cpu = cpuKeeperOf(source, reader, this.say);
    this.say(`reading interface ${live.interface} from ${new Date(sinceMs).toISOString()} on; captured through ${reader.words}`);
    return sinceMs;
  }

  private get told(): HttpAgent {
    const { log, reload } = this;
    const { edge } = this.settings;
    const tellEvents = (isWanted: boolean) => {
      this.wantsEvents = isWanted;
      this.teller?.tellEvents(isWanted);
    };
    return { edge, log, reload, tellEvents, standing: () => this.standing, isReady: () => this.isReading };
  }

  /** Opens all that it keeps and where it is asked, as the user that it is from now on. Throws Failure. */
  private async open(): Promise<void> {
    const { spoolFolder, spoolBytesMax, listen, budgetBytes } = this.settings;
    this.lock = new SpoolLock(spoolFolder);
    this.spool = new Spool(spoolFolder, { ...SPOOL_LIMITS, bytesMax: spoolBytesMax });
    this.bootTags.forgetAllBut(this.spool.names);
    await this.openDelivery();
    (await this.http.prepare(listen, budgetBytes)).take();
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
      onTime: (...times) => {
        this.hubClock.note(...times);
        const turn = this.hubClock.takeTurn();
        if (turn !== undefined) this.say(turn);
      },
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
  private begin(bootId: bigint, settings: AgentSettings): RunOptions {
    const { budgetBytes, keepDuplicates, hostNetworks, theta, labels, forced, tlsKeys } = settings;
    return { bootId, budgetBytes, keepDuplicates, theta, labels, forced, hostNetworks, tlsKeys };
  }

  private openCore({ tlsKeys, ...options }: RunOptions & { ownerOf?: OwnerOf | undefined }, isLive: boolean): Core {
    const core = loadCore({ ...options, tlsOpener: openerOfAgent(tlsKeys, isLive) });
    this.countBy(core);
    core.drainTo({ bundle: (bundle) => this.takeMinute(bundle), events: (view) => this.http.watchers?.take(view) });
    return core;
  }

  private countBy(core: Core): void {
    if (this.counts === undefined) this.counts = new MinuteCounts(core);
    else this.counts.readBy(core);
  }

  private tellThrough(teller: Pick<Core, "tellEvents">): void {
    this.teller = teller;
    if (this.wantsEvents) teller.tellEvents(true);
  }

  private takeMinute(bundle: Uint8Array): void {
    this.programPages.turn(Date.now());
    this.keeper.take(bundle);
    this.counts?.add(bundle);
    this.http.take(bundle);
    // What has no time is of no minute.
    if (readBundleHeader(bundle).minute === 0) return;
    this.sealed += 1;
    if (this.log.level === "debug") this.log.debug(sealedWords(bundle));
  }

  private async readFiles(paths: readonly string[], filter: FileFilter | undefined): Promise<void> {
    await this.open();
    const { edge, hostNetworks, keepDuplicates, theta, labels, forced, tags } = this.settings;
    const settings = { edge, hostNetworks, keepDuplicates, theta, labels, forced, filter: filter?.text };
    const run = new FileRun(this.spool.folder, paths, settings);
    this.bootTags.note(run.bootId, tags);
    const core = this.openCore({ ...this.begin(run.bootId, this.settings), packetFilter: filter?.programOf }, false);
    this.tellThrough(core);
    this.say(
      `edge ${edge}: reading ${paths.join(", ")}${run.resumed ? ", whose minutes count once with those of the run before" : ""}`,
    );
    this.isReading = true;
    this.programPages.turn(Date.now());
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
    const { live, account } = source;
    const bootId = newStart();
    const reader = new Succession(await this.openReader(this.settings, source, bootId));
    try {
      // Files are opened by who goes on with them: what root opens by a name that another may change is not safe.
      if (account !== undefined)
        this.say(becomeAccount(account, { mayCapture: reader.reopens, folder: this.settings.spoolFolder }));
      await this.open();
      this.bootTags.note(bootId, this.settings.tags);
    } catch (error) {
      await reader.close();
      throw error instanceof Failure ? deniedSince(error, account) : error;
    }
    this.reader = reader;
    this.tellThrough(reader);
    this.knowsDrops = reader.knowsDrops;
    this.openMinutes = new OpenMinutes(this.spool.folder, Date.now());
    this.countLost(reader, this.openMinutes.lost);
    this.noteOpen((open) => open.note(Date.now(), false));
    this.say(`edge ${this.settings.edge}: reading interface ${live.interface}; captured through ${reader.words}`);
    this.isReading = true;
    this.programPages.turn(Date.now());
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

  /** A reader of interfaces, as a start of its own: what it seals counts beside what others do. */
  private async openReader(settings: AgentSettings, source: InterfaceSource, bootId: bigint): Promise<InterfaceReader> {
    const { live, threads, tellsOwners } = source;
    const networks = settings.hostNetworks === undefined ? new OwnNetworks() : undefined;
    const options = { ...this.begin(bootId, settings), hostNetworks: networks?.current ?? settings.hostNetworks };
    const owners = openOwners(tellsOwners, this.say);
    try {
      const { ownerOf } = owners ?? {};
      const reader =
        threads === 1
          ? readAlone(this.openCore({ ...options, ownerOf }, true), live, this.say)
          : // Each thread asks for itself; that this one has owners open keeps what takes root's rights.
            this.openThreads(options, threads, live, owners !== undefined);
      const owned = closing(await reader, () => owners?.close());
      return networks === undefined ? owned : following(networks, owned);
    } catch (error) {
      owners?.close();
      throw error;
    }
  }

  private openThreads(options: RunOptions, threads: number, live: LiveOptions, tellsOwners: boolean): Promise<ToldReader> {
    const { budgetBytes = 0 } = options;
    const merging = mergingCore(budgetBytes);
    this.countBy(merging);
    const listener = {
      bundle: (bundle: Uint8Array) => this.takeMinute(bundle),
      events: (bytes: Uint8Array, lost: number) => this.takeEvents(bytes, lost),
      failed: (reason: string) => {
        this.fail(`${reason}; what the others have seen is kept, and this agent ends`);
        this.end();
      },
    };
    const ofEach = { ...options, budgetBytes: Math.floor(budgetBytes / threads) };
    return readByThreads(threads, merging, ofEach, live, listener, this.say, tellsOwners);
  }

  private takeEvents(bytes: Uint8Array, lost: number): void {
    this.http.watchers?.lose(lost);
    this.http.watchers?.take(new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
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

  private fail(line: string): void {
    this.failed = true;
    this.log.error(line);
  }

  private get standing(): Standing {
    const { keeper, spool, sealed } = this;
    const lost = { lostUnwritten: keeper.lost, lostWaiting: spool.droppedCount };
    return { sealed, ...this.posted, waiting: spool.waitingCount, ...lost };
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
    const { counts, knowsDrops, keeper, spool, posted } = this;
    for (const line of endLines({ counts, knowsDrops, keeper, spool, posted })) this.say(line);
  }
}

function cpuKeeperOf(
  { cpuPercentMax }: InterfaceSource,
  reader: InterfaceReader,
  say: (line: string) => void,
): CpuKeeper | undefined {
  return cpuPercentMax === undefined ? undefined : new CpuKeeper(cpuPercentMax, reader, say);
}
