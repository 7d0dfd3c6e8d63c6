#!/usr/bin/env node
// In a checkout this builds what is stale first. Published, the sources are absent and it only starts the program.
import { existsSync } from "node:fs";

const scripts = new URL("../../scripts/build.mjs", import.meta.url);
if (existsSync(new URL("../index.ts", import.meta.url)) && existsSync(scripts)) {
  const { build } = await import(scripts.href);
  await build(["cli"]).catch((error) => {
    console.error(error.message);
    process.exit(1);
  });
}
await import("../dist/index.js");
