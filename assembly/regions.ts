/**
 * The memory plan: every region is laid out once, by `configure`, behind the static data; nothing grows afterwards.
 *
 * ```
 * staging | packet filter | input | scratch | unpacked | records of TLS | events | sightings | interface names | held | bundles | output |
 * flows | flow slots | request slots | owners | stream pool | sketch pool
 * ```
 * A hub needs no capture regions and gives them to the sketch pool and the output.
 */
import { Pool } from "./bytes/pool";
import { INPUT_BYTES_MIN } from "./capture/input-state";
import { PACKET_FILTER_BYTES } from "./capture/packet-filter";
import { Settings } from "./settings";

/** Bytes of the owners (roundtrip/owners.ts). */
export const OWNERS_BYTES: u32 = 264448;

/** Who runs the core: a host that captures, or a hub that merges. */
export class Role {
  static readonly HOST: u32 = 1;
  static readonly HUB: u32 = 2;
}

/** Bytes at `staging()`: settings and queries come in here, before and after `configure`. */
export const STAGING_BYTES: u32 = 65536;
/** The least and most that a budget may be, bytes. */
export const BUDGET_BYTES_MIN: u32 = 8 << 20;
export const BUDGET_BYTES_MAX: u32 = 1 << 30;

/** Bytes of a record of TLS at the most, and room behind them. */
export const TLS_RECORD_BYTES: u32 = 20480;
const PAGE: u32 = 4096;
const FLOW_BYTES: u32 = 352;
/** Bytes of all names that interfaces have in files. */
export const INTERFACE_NAMES_BYTES: u32 = 8192;
/** Bytes of a set of roundtrip/sightings.ts. */
const SIGHTING_SET_BYTES: u32 = 1024;
const SCRATCH_REGION_BYTES: u32 = 65536;
/** Bytes of compressed content that are collected before they are unpacked. */
export const PACKED_BYTES_MAX: u32 = 65536;
/** Bytes of the window that content is unpacked to, and of the room before it for what was left of the content before. */
export const UNPACKED_BYTES_MAX: u32 = 65536;
const UNPACKED_BEFORE_BYTES: u32 = 4096;
/** Bytes behind the window's limit that unpacking may write to. */
const UNPACKED_SLACK_BYTES: u32 = 4096;

export class Regions {
  static staging: usize = 0;
  /** Programs that choose packets; 0 where the settings want none. */
  static packetFilter: usize = 0;
  static input: usize = 0;
  static inputBytes: u32 = 0;
  static scratch: usize = 0;
  /** Where compressed content is collected, and where it is unpacked. */
  static packed: usize = 0;
  static unpacked: usize = 0;
  /** Where a record of TLS lies together, and behind it what it is opened to; 0 where no secrets are wanted. */
  static tlsRecord: usize = 0;
  static events: usize = 0;
  static eventsBytes: u32 = 0;
  /** Sets of packets that several interfaces may see, a power of two; 0 where the settings want no stages. */
  static sightings: usize = 0;
  static sightingSets: u32 = 0;
  /** Names of interfaces. */
  static interfaceNames: usize = 0;
  /** Events that wait for their stages. */
  static held: usize = 0;
  static heldBytes: u32 = 0;
  static bundles: usize = 0;
  static bundlesBytes: u32 = 0;
  static output: usize = 0;
  static outputBytes: u32 = 0;
  static flows: usize = 0;
  static flowsMax: u32 = 0;
  static flowSlots: usize = 0;
  static flowSlotsMask: u32 = 0;
  static requestSlots: usize = 0;
  static requestSlotsMask: u32 = 0;
  /** Owners of connections; 0 where the settings want none. */
  static owners: usize = 0;
  static streamPool: Pool = changetype<Pool>(0);
  static sketchPool: Pool = changetype<Pool>(0);
  /** One past the last byte of the plan. */
  static end: usize = 0;
  private static at: usize = 0;
  private static base: usize = 0;

  /**
   * First address of the plan, a multiple of a page, behind what the start function laid on the heap: texts that are put
   * together from several literals. Nothing is allocated there later.
   */
  static begin(): usize {
    if (Regions.base == 0) Regions.base = (heap.alloc(1) + PAGE) & ~(<usize>PAGE - 1);
    return Regions.base;
  }

  private static take(bytes: u32): usize {
    const start = Regions.at;
    Regions.at += (bytes + PAGE - 1) & ~(PAGE - 1);
    return start;
  }

  /** Lays the regions out for `role` in `budget` bytes and grows the memory once; false when it cannot grow. */
  static layOut(role: u32, budget: u32): bool {
    Regions.at = Regions.begin();
    const limit = Regions.at + budget;
    Regions.staging = Regions.take(STAGING_BYTES);
    if (role == Role.HUB) Regions.layOutHub(budget);
    else Regions.layOutHost(budget);
    const sketches = Regions.at;
    Regions.end = limit;
    const pages = <i32>((limit + 0xffff) >> 16) - memory.size();
    if (pages > 0 && memory.grow(pages) < 0) return false;
    if (role != Role.HUB) {
      const streamBytes = (budget / 4) & ~(PAGE - 1);
      Regions.streamPool = Pool.create(sketches, streamBytes);
      Regions.streamPool.keepsLast = true;
      Regions.sketchPool = Pool.create(sketches + streamBytes, <u32>(limit - sketches) - streamBytes);
    } else {
      Regions.streamPool = Pool.create(sketches, 2 * PAGE);
      Regions.sketchPool = Pool.create(sketches + 2 * PAGE, <u32>(limit - sketches) - 2 * PAGE);
    }
    return true;
  }

  private static layOutHub(budget: u32): void {
    Regions.packetFilter = 0;
    Regions.inputBytes = 1 << 21;
    Regions.input = Regions.take(Regions.inputBytes);
    Regions.outputBytes = budget / 8;
    Regions.output = Regions.take(Regions.outputBytes);
    Regions.scratch = Regions.take(SCRATCH_REGION_BYTES);
  }

  /** A 64th of the budget for what several interfaces saw, as much for events that wait for it. */
  private static layOutStages(budget: u32): void {
    const bytes: u32 = Settings.stages ? 1 << (31 - clz<u32>(budget >> 6)) : 0;
    Regions.sightingSets = bytes / SIGHTING_SET_BYTES;
    Regions.sightings = bytes == 0 ? 0 : Regions.take(bytes);
    Regions.interfaceNames = bytes == 0 ? 0 : Regions.take(INTERFACE_NAMES_BYTES);
    Regions.heldBytes = bytes;
    Regions.held = bytes == 0 ? 0 : Regions.take(bytes);
  }

  private static layOutHost(budget: u32): void {
    const large = budget >= 16 << 20;
    Regions.packetFilter = Settings.packetFilter ? Regions.take(PACKET_FILTER_BYTES) : 0;
    Regions.inputBytes = large ? 1 << 20 : INPUT_BYTES_MIN;
    Regions.input = Regions.take(Regions.inputBytes);
    Regions.scratch = Regions.take(SCRATCH_REGION_BYTES);
    Regions.packed = Regions.take(PACKED_BYTES_MAX + UNPACKED_BEFORE_BYTES + UNPACKED_BYTES_MAX + UNPACKED_SLACK_BYTES);
    Regions.unpacked = Regions.packed + PACKED_BYTES_MAX + UNPACKED_BEFORE_BYTES;
    Regions.tlsRecord = Settings.tlsKeys != 0 ? Regions.take(2 * TLS_RECORD_BYTES) : 0;
    Regions.eventsBytes = large ? 1 << 20 : 1 << 18;
    Regions.events = Regions.take(Regions.eventsBytes);
    Regions.layOutStages(budget);
    Regions.bundlesBytes = 1 << 20;
    Regions.bundles = Regions.take(Regions.bundlesBytes);
    Regions.outputBytes = 1 << 20;
    Regions.output = Regions.take(Regions.outputBytes);
    Regions.flowsMax = ((budget / 24) * 5) / FLOW_BYTES;
    Regions.flows = Regions.take((Regions.flowsMax + 1) * FLOW_BYTES);
    const slots: u32 = 1 << (32 - clz<u32>(Regions.flowsMax));
    Regions.flowSlots = Regions.take(slots * 4);
    Regions.flowSlotsMask = slots - 1;
    Regions.requestSlots = Regions.take(slots * 4);
    Regions.requestSlotsMask = slots - 1;
    Regions.owners = Settings.owners ? Regions.take(OWNERS_BYTES) : 0;
  }
}
