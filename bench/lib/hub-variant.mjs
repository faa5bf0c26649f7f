/** A hub that is built with other limits, to see what a limit does or to reach beyond it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { ROOT } from "../../scripts/lib/run.mjs";

/** Builds the Worker into build/bench/hub-NAME with these values of constants of worker/limits.ts; gives the folder. */
export async function hubVariant(name, limits) {
  const outdir = join(ROOT, `build/bench/hub-${name}`);
  const withLimits = {
    name: "limits",
    setup({ onLoad }) {
      onLoad({ filter: /worker\/limits\.ts$/ }, ({ path }) => {
        let contents = readFileSync(path, "utf8");
        for (const [constant, value] of Object.entries(limits)) {
          const before = contents;
          contents = contents.replace(new RegExp(`(export const ${constant} = )[^;]+;`), `$1${value};`);
          if (contents === before) throw new Error(`worker/limits.ts has no ${constant}`);
        }
        return { contents, loader: "ts" };
      });
    },
  };
  await build({
    entryPoints: [join(ROOT, "worker/index.ts")],
    outdir,
    bundle: true,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker"],
    external: ["cloudflare:*", "node:*"],
    loader: { ".wasm": "copy" },
    assetNames: "[name]",
    plugins: [withLimits],
  });
  return outdir;
}
