// `npm run check`: everything that can be judged without running the product. One line per step; what failed says why.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "./build.mjs";
import { checkEngines } from "./check-engines.mjs";
import { fail } from "./fail.mjs";
import { install } from "./install.mjs";
import { root } from "./paths.mjs";
import { run } from "./run.mjs";

/** A step answers with what is wrong; nothing means that all is well. */
const steps = {
  "format and lint": () =>
    tool("@biomejs/biome/bin/biome", ["ci", "--colors=off", "--max-diagnostics=50", "."]),
  types: () => tool("typescript/bin/tsc", ["--noEmit", "-p", "tsconfig.json"]),
  "dead code": () => tool("knip/bin/knip.js", ["--no-progress", "--no-config-hints"]),
  "generated files": () =>
    node(["--import", "tsx", "--conditions=@rotorsh/source", "scripts/generate.mjs", "--check"]),
  "published packages": checkPackages,
  "Node version of dependencies": async () => (await checkEngines()).join("\n"),
  "lock file": checkLock,
};

await install().catch(fail);
let failures = 0;
for (const [name, step] of Object.entries(steps)) {
  const problem = await step().catch((error) => error.message);
  console.log(`${problem ? "failed" : "ok    "}  ${name}`);
  if (problem) console.log(`\n${problem.trim()}\n`);
  if (problem) failures++;
}
process.exitCode = failures ? 1 : 0;

function tool(path, args, cwd = root) {
  return node([join(root, "node_modules", path), ...args], cwd);
}

async function node(args, cwd = root) {
  const env = { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0" };
  const { code, output } = await run(process.execPath, args, { cwd, env });
  return code === 0 ? "" : output || `exit code ${code}`;
}

/** What a user of the published packages would get: files, entry points and types. */
async function checkPackages() {
  await build();
  const problems = [];
  for (const folder of await publishedFolders()) {
    const { exports } = JSON.parse(await readFile(join(root, folder, "package.json"), "utf8"));
    problems.push(await tool("publint/src/cli.js", ["--strict", "."], join(root, folder)));
    // The command line has no entry point to import, only a program.
    if (exports) {
      const args = ["--pack", ".", "--profile", "esm-only", "--format", "ascii"];
      problems.push(await tool("@arethetypeswrong/cli/dist/index.js", args, join(root, folder)));
    }
  }
  return problems.filter(Boolean).join("\n");
}

async function publishedFolders() {
  const { workspaces } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const manifests = await Promise.all(
    workspaces.map(async (folder) => JSON.parse(await readFile(join(root, folder, "package.json"), "utf8"))),
  );
  return workspaces.filter((_, index) => !manifests[index].private);
}

/** Addresses in the lock file would tie everyone to the registry of whoever wrote it. */
async function checkLock() {
  const lock = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8"));
  return Object.entries(lock.packages)
    .filter(([, { resolved }]) => resolved?.startsWith("http"))
    .map(([path, { resolved }]) => `${path} is tied to ${resolved}`)
    .join("\n");
}
