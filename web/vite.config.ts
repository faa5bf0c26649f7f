import { defineConfig } from "vite";

/** The page: everything from its own origin, nothing inlined, so that its policy (index.html) can be strict. */
export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "hono/jsx/dom" } },
  worker: {
    format: "es",
    // Workers lie in a folder of their own: what reads captures is served without any right to connect.
    rolldownOptions: {
      output: { entryFileNames: "assets/workers/[name]-[hash].js", chunkFileNames: "assets/workers/[name]-[hash].js" },
    },
  },
  build: {
    target: ["chrome123", "firefox128", "safari17.5"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 150,
  },
});
