import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig, type Plugin } from "vitest/config";

const WORKERD_TESTS = ["test/worker/**/*.test.ts", "test/laws/**/*.test.ts", "test/**/*.workerd.test.ts"];
const root = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** `import core from "../build/core.wasm"` gives a WebAssembly.Module in node, as it does in workerd. */
function wasmModules(): Plugin {
  return {
    name: "wasm-modules",
    enforce: "pre",
    load(id) {
      if (!id.endsWith(".wasm")) return null;
      const path = JSON.stringify(id);
      return `import { readFileSync } from "node:fs";\nexport default new WebAssembly.Module(readFileSync(${path}));\n`;
    },
  };
}

/** `import bytes from "./x.pcap?bytes"` gives the file as a Uint8Array, in node and in workerd. */
function fileBytes(): Plugin {
  return {
    name: "file-bytes",
    enforce: "pre",
    load(id) {
      if (!id.endsWith("?bytes")) return null;
      const text = JSON.stringify(readFileSync(id.slice(0, -"?bytes".length)).toString("base64"));
      return `export default Uint8Array.from(atob(${text}), (letter) => letter.charCodeAt(0));\n`;
    },
  };
}

/** The hub's configuration names the built page, which its tests do not need. */
mkdirSync(root("build/web"), { recursive: true });

/** What a test may take that hangs in nothing: a machine may be several times slower than usual. */
const PATIENT = { testTimeout: 120_000, hookTimeout: 60_000 };

export default defineConfig({
  test: {
    globalSetup: "test/support/compile.ts",
    projects: [
      {
        plugins: [wasmModules(), fileBytes()],
        test: {
          name: "node",
          environment: "node",
          globalSetup: "test/support/node-digests.ts",
          include: ["test/**/*.test.ts"],
          exclude: ["test/browser/**", "test/worker/**", "test/**/*.workerd.test.ts"],
          ...PATIENT,
        },
      },
      {
        plugins: [wasmModules(), fileBytes()],
        test: {
          name: "browser",
          environment: "node",
          globalSetup: "test/support/node-digests.ts",
          include: ["test/browser/**/*.test.ts"],
          ...PATIENT,
          fileParallelism: false,
        },
      },
      {
        plugins: [
          fileBytes(),
          cloudflareTest(
            existsSync(root("wrangler.toml"))
              ? {
                  wrangler: { configPath: root("wrangler.toml") },
                  miniflare: { bindings: { MASTER_KEY: "a master key that is for tests only" }, r2Buckets: ["BACKUPS"] },
                }
              : {
                  miniflare: {
                    compatibilityDate: "2026-04-26",
                    compatibilityFlags: ["nodejs_compat"],
                    modulesRules: [{ type: "CompiledWasm", include: ["**/*.wasm"] }],
                  },
                },
          ),
        ],
        test: {
          name: "workerd",
          globalSetup: "test/support/node-digests.ts",
          include: WORKERD_TESTS,
          ...PATIENT,
        },
      },
    ],
  },
});
