// `npm test`: every test there is. The last line is the counts, for people and for machines.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fail } from "./fail.mjs";
import { install } from "./install.mjs";
import { root } from "./paths.mjs";

await install().catch(fail);

const folder = await mkdtemp(join(tmpdir(), "rotor-counts-"));
const counts = join(folder, "counts");
const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
const reporters = ["--reporter=default", `--reporter=${join(root, "scripts", "counts-reporter.mjs")}`];
const child = spawn(process.execPath, [vitest, "run", ...reporters, ...process.argv.slice(2)], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, ROTOR_TEST_COUNTS: counts },
});
// Ctrl-C reaches vitest by itself; this process waits for it, to clean up and to tell how it ended.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
const [code] = await once(child, "exit");
const line = await readFile(counts, "utf8").catch((error) => {
  if (error.code !== "ENOENT") throw error;
  return "0 passed, 1 failed: vitest ended before it could count";
});
await rm(folder, { recursive: true });
console.log(`\n${line}`);
process.exitCode = code === 0 && !line.includes(" 0 failed") ? 1 : (code ?? 1);
