/** Counts what each of several rings gets that share an interface's packets until it is told to end: node share.mjs INTERFACE RINGS PROGRAM */
import { createRequire } from "node:module";
import { addonsOfHost } from "../../../scripts/lib/platform.mjs";

const native = createRequire(import.meta.url)(addonsOfHost()[0]);
const [device, rings, program] = process.argv.slice(2);
const index = native.interfaces().find(({ name }) => name === device).index;
const give = (bytes) => new Uint8Array(new Uint32Array([6, bytes]).buffer);
const sources = Array.from({ length: Number(rings) }, () => native.openRing(index, 1 << 17, 16, 10, give(0)));
let group = -1;
for (const source of sources) group = native.share(source, group, Buffer.from(program, "base64"));
for (const source of sources) native.setFilter(source, give(262_144));

const into = new Uint8Array(1 << 20);
for (const source of sources)
  native.watch(source, () => {
    while (native.read(source, into) > 0);
    native.arm(source);
  });
const alive = setInterval(() => {}, 1000);
process.on("SIGTERM", () => {
  process.stdout.write(JSON.stringify(sources.map((source) => native.counts(source).slice(0, 2))));
  for (const source of sources) native.close(source);
  clearInterval(alive);
});
process.stderr.write("ready\n");
