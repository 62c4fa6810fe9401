import { defineConfig } from "vite";

// What the thumbhash package's licence asks for; the minifier drops comments.
const CREDIT = "/*! thumbhash: Copyright (c) 2023 Evan Wallace, MIT licence */";

export default defineConfig({
  // The page asks for its own URL only, so nothing is copied beside it.
  publicDir: false,
  build: {
    target: "es2022",
    // A picture inlined as data: would need a wider policy than 'self'.
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: false,
    rolldownOptions: { output: { postBanner: CREDIT, entryFileNames: "assets/page-[hash].js" } },
  },
  // `npm run dev`, before a server that was told of this origin: see CONTRIBUTING.md.
  server: {
    host: "127.0.0.1",
    port: 5173,
    strictPort: true,
    proxy: { "/v1": "http://127.0.0.1:8080" },
  },
});
