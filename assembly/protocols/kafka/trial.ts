/** A walk for a trial: whether bytes can be a message, by the form of its API key and version. Its fields go into the scratch message. */
import { u16be, u32be } from "../../bytes/reader";
import { Regions } from "../../regions";
import { messageScratch } from "../../roundtrip/message";
import { Parse } from "../protocol";
import { Turn } from "../shared/turn";
import * as F from "./fields";
import { API_KEY, API_VERSION, CLIENT_ID, RESPONSE_HEADER_BYTES, SIZE_BYTES } from "./header";
import { Odd } from "./keep";
import { openWalk } from "./open";
import { walk } from "./walk";
import { WALK_BYTES, Walk } from "./walk-state";

const TRIAL: usize = memory.data(112, 8);

/** The walk that was tried last. */
export function tried(): Walk {
  return changetype<Walk>(TRIAL);
}

/** Walks through the request at `start` as far as `length` bytes go. */
export function tryRequest(start: usize, length: u32): u32 {
  return tryWalk(start, length, CLIENT_ID, u16be(start + API_KEY), u16be(start + API_VERSION), false);
}

/** The same with the response to `request`; `Odd.values` counts what no broker sends. */
export function tryResponse(start: usize, length: u32, request: usize): u32 {
  Odd.values = 0;
  return tryWalk(start, length, RESPONSE_HEADER_BYTES, load<u16>(request, F.API_KEY), load<u16>(request, F.API_VERSION), true);
}

function tryWalk(start: usize, length: u32, head: u32, key: u32, version: u32, isResponse: bool): u32 {
  assert(Regions.scratch != 0);
  const side = Turn.side;
  const first = Turn.start;
  const at = Turn.at;
  const end = Turn.end;
  const need = Parse.need;
  const skip = Parse.skip;
  const message = messageScratch(F.KAFKA, F.FIXED_END, 0);
  const w = changetype<Walk>(TRIAL);
  memory.fill(TRIAL, 0, WALK_BYTES);
  openWalk(w, key, version, isResponse);
  w.message = <u32>changetype<usize>(message);
  w.left = u32be(start) + SIZE_BYTES - head;
  Turn.open(side, start, length);
  Turn.at = start + head;
  const answer = walk(w);
  Turn.open(side, first, <u32>(end - first));
  Turn.at = at;
  Parse.need = need;
  Parse.skip = skip;
  return answer;
}
