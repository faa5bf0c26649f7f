import { networkInterfaces } from "node:os";
import { captureDevices } from "../capture/live";
import { table } from "../output/table";
import { printText } from "../output/text-output";

/** One interface of this host. */
interface Found {
  name: string;
  addresses: string[];
  /** Whether packets can be captured on it. */
  capture: boolean;
}

/** `tallywire interfaces`: what this host has, and what packets can be captured on. */
export async function interfaces(options: { output?: "json" }): Promise<number> {
  const { devices, problem } = await captureDevices();
  const found = findInterfaces(devices);
  if (options.output === "json") {
    await printText(`${JSON.stringify(found, null, 2)}\n`);
    return 0;
  }
  const rows = found.map(({ name, addresses, capture }) => [name, capture ? "yes" : "no", addresses.join(" ")]);
  await printText(table([{ title: "interface" }, { title: "capture" }, { title: "addresses" }], rows));
  if (problem) process.stderr.write(`${problem}\n`);
  return 0;
}

/** What the system has, with what the capture library could open. */
function findInterfaces(devices: readonly string[]): Found[] {
  const found = new Map<string, Found>();
  for (const [name, addresses = []] of Object.entries(networkInterfaces())) {
    found.set(name, { name, addresses: addresses.map(({ address }) => address), capture: false });
  }
  for (const name of devices) {
    const known = found.get(name) ?? { name, addresses: [], capture: false };
    found.set(name, { ...known, capture: true });
  }
  return [...found.values()];
}
