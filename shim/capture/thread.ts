/** One of several threads that capture: a core of its own, fed from the ring that the main thread lends it. */
import { parentPort, workerData } from "node:worker_threads";
import { Core } from "../../engine/core";
import { openOwners } from "../owner/open-owners";
import { openerOfAgent } from "../tls/key-file";
import { loadNative } from "./native";
import { NativeFeed } from "./native-feed";
import type { ThreadOrder, ThreadReport, ThreadStart } from "./thread-orders";

const port = parentPort!;
const native = loadNative()!;
const { core: module, options, tellsOwners } = workerData as ThreadStart;
// First, as it may throw: what owners have open by then would stay open.
const tlsOpener = openerOfAgent(options.tlsKeys, true, options.thread);
const owners = openOwners(tellsOwners, () => {});
// However this thread ends: the addon's are those of all threads, and so are descriptors.
process.once("exit", () => {
  owners?.close();
  tlsOpener?.end?.();
});
const core = new Core(module, { ...options, tlsOpener, ownerOf: owners?.ownerOf });
const feed = new NativeFeed(native, core);

/** Bytes of events that the main thread may not have taken yet. */
const UNTAKEN_BYTES_MAX = 1 << 20;
let untakenBytes = 0;
let lostEvents = 0;

const report = (message: ThreadReport, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

core.drainTo({
  bundle: (bundle) => {
    const bytes = bundle.slice();
    report({ kind: "bundle", bytes }, [bytes.buffer]);
  },
  events: (view) => giveOut(new Uint8Array(view.buffer, view.byteOffset, view.byteLength)),
});

/** Sends events on, as long as those before are taken: what is behind must not grow. */
function giveOut(events: Uint8Array): void {
  if (untakenBytes + events.length > UNTAKEN_BYTES_MAX) {
    lostEvents += countOf(events);
    return;
  }
  const bytes = events.slice();
  untakenBytes += bytes.length;
  report({ kind: "events", bytes, lost: lostEvents }, [bytes.buffer]);
  lostEvents = 0;
}

/** Each event begins with its length. */
function countOf(events: Uint8Array): number {
  const view = new DataView(events.buffer, events.byteOffset, events.length);
  let count = 0;
  for (let at = 0; at < events.length; at += view.getUint32(at, true)) count += 1;
  return count;
}

async function obey(order: ThreadOrder): Promise<void> {
  switch (order.kind) {
    case "open":
      feed.open([native.borrow(order.lent)]);
      report({ kind: "opened" });
      return;
    case "drop":
      feed.drop();
      return;
    case "tick": {
      feed.push();
      const fault = feed.takeFault();
      if (fault !== 0) report({ kind: "fault", fault });
      core.tickAt(order.ms);
      if (lostEvents > 0) giveOut(new Uint8Array(0));
      return;
    }
    case "lost":
      core.lostMinutes(order.minutes);
      return;
    case "sample":
      core.sample(order.share);
      return;
    case "tellEvents":
      core.tellEvents(order.isWanted);
      return;
    case "hostNetworks":
      core.setHostNetworks(order.networks);
      return;
    case "taken":
      untakenBytes -= order.bytes;
      return;
    case "end":
      await feed.end();
      // Without a packet, what it counted would be of no minute.
      core.tickAt(Date.now());
      core.flush();
      port.close();
  }
}

// A rejection that nobody takes ends the thread with its error, which the main thread is told.
port.on("message", (order: ThreadOrder) => void obey(order));
