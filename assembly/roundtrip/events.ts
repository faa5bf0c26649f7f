/** The events that wait for the host: where a round trip that was told is put, if it is wanted. */
import { eventsFull } from "../host";
import { Regions } from "../regions";
import { Settings } from "../settings";

/** Offset in an event of whether the filter did not want it. */
const KEPT_OUT: usize = 119;

/**
 * The events: written from the start of their region, drained whole by the host, between packets where it can and by
 * `eventsFull` where one packet brings more than the region holds.
 */
export class Events {
  static length: u32 = 0;
  /** Index of the function (event) -> bool that says whether an event is wanted; 0 where all are. */
  static isWanted: u32 = 0;
  /** Events that were not. */
  static filtered: u64 = 0;
  /** Index of the function (event) -> void that takes those that are; 0 where the host alone does. */
  static taker: u32 = 0;

  /** Whether a reader should drain before the next packet. */
  @inline static get halfFull(): bool {
    return Events.length > Regions.eventsBytes >> 1;
  }

  /** Where an event of `length` bytes is to be written. */
  static room(length: u32): usize {
    if (Events.length + length > Regions.eventsBytes) {
      eventsFull();
      Events.length = 0;
    }
    return Regions.events + Events.length;
  }

  /** The event of `length` bytes at `at`, where `room` said, is whole. */
  static put(at: usize, length: u32): void {
    if (Events.keeps(at)) Events.length += length;
  }

  /** Whether the event goes to the host, once the filter has been asked and the taker has had it. */
  private static keeps(at: usize): bool {
    if (Events.isWanted != 0 && !call_indirect<bool>(Events.isWanted, at)) {
      Events.filtered += 1;
      if (Settings.allEvents) store<u8>(at, 1, KEPT_OUT);
      return Settings.allEvents;
    }
    if (Events.taker == 0) return true;
    call_indirect<void>(Events.taker, at);
    return Settings.allEvents;
  }
}
