/** One of several threads that capture: a core of its own, fed from the ring that the main thread lends it. */
import { parentPort, workerData } from "node:worker_threads";
import { Core } from "../../engine/core";
import { openOwners } from "../owner/open-owners";
import { openerOf } from "../tls/key-file";
import { loadNative } from "./native";
import { NativeFeed } from "./native-feed";
import type { ThreadOrder, ThreadReport, ThreadStart } from "./thread-orders";

const port = parentPort!;
const native = loadNative()!;
const { core: module, options, tellsOwners } = workerData as ThreadStart;
const owners = openOwners(tellsOwners, () => {});
const tlsOpener = await openerOf(options.tlsKeys, true);
const core = new Core(module, { ...options, tlsOpener, ownerOf: owners?.ownerOf });
const feed = new NativeFeed(native, core);

const report = (message: ThreadReport, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

core.drainTo({
  bundle: (bundle) => {
    const bytes = bundle.slice();
    report({ kind: "bundle", bytes }, [bytes.buffer]);
  },
});

async function obey(order: ThreadOrder): Promise<void> {
  switch (order.kind) {
    case "open":
      feed.open([native.borrow(order.lent)]);
      return;
    case "drop":
      feed.drop();
      return;
    case "tick": {
      feed.push();
      const fault = feed.takeFault();
      if (fault !== 0) report({ kind: "fault", fault });
      core.tick(order.seconds, order.nanoseconds);
      return;
    }
    case "lost":
      core.lostMinutes(order.minutes);
      return;
    case "sample":
      core.sample(order.share);
      return;
    case "end":
      await feed.end();
      core.flush();
      owners?.close();
      port.close();
  }
}

// A rejection that nobody takes ends the thread with its error, which the main thread is told.
port.on("message", (order: ThreadOrder) => void obey(order));
