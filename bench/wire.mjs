/** What a minute takes on the wire: see bench/wire/main.ts. */
import { row } from "./lib/row.mjs";
import { runBundled } from "./lib/run-bundled.mjs";

const MINUTES = [
  { name: "busy", requests: 60_000, most: 48 << 10 },
  { name: "quiet", requests: 3_000, most: 16 << 10 },
];

export async function wire() {
  const found = await runBundled(
    "wire",
    MINUTES.map(({ requests }) => requests),
  );
  return MINUTES.map(({ name, requests, most }, index) => {
    const { bundleBytes, wireBytes } = found[index];
    const notes = [
      `${requests.toLocaleString("en")} requests, both directions`,
      `${bundleBytes.toLocaleString("en")} B inflated`,
    ];
    return row(`wire: a ${name} minute`, wireBytes, { digits: 0, most, unit: "B", notes });
  });
}
