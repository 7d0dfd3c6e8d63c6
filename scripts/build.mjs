// Compiles packages whose sources changed since the last build. Says nothing on stdout: the stdio MCP server and the
// command line start through here.

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { fail } from "./fail.mjs";
import { cache, withLock } from "./lock.mjs";
import { root } from "./paths.mjs";
import { run } from "./run.mjs";

const everything = ["api", "cli", "mcp"];

/** @param {string[]} packages folders whose programs are wanted; what they import is built too */
export async function build(packages = everything) {
  if ((await findStale(packages)).length === 0) return;
  await withLock("build", async () => {
    const stale = await findStale(packages);
    if (stale.length === 0) return;
    const projects = stale.map(({ name }) => join(root, name, "tsconfig.build.json"));
    const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
    const { code, output } = await run(process.execPath, [tsc, "-b", ...projects], { cwd: root });
    if (code !== 0) throw new Error(`the build of ${packages.join(", ")} failed:\n${output.trim()}`);
    await Promise.all(stale.map(({ name, fingerprint }) => writeFile(stampOf(name), fingerprint)));
  });
}

async function findStale(packages) {
  const checked = await Promise.all(
    packages.map(async (name) => {
      const folders = await closure(name);
      const sources = await Promise.all(folders.map((folder) => listSources(join(root, folder))));
      const built = folders.every((folder) =>
        existsSync(join(root, folder, "dist", "tsconfig.build.tsbuildinfo")),
      );
      const fingerprint = await fingerprintOf(sources.flat());
      return { name, fingerprint, fresh: built && (await readStamp(name)) === fingerprint };
    }),
  );
  return checked.filter(({ fresh }) => !fresh);
}

/** The package and those that its build configuration refers to. */
async function closure(name, found = new Set()) {
  if (found.has(name)) return [...found];
  found.add(name);
  const config = JSON.parse(await readFile(join(root, name, "tsconfig.build.json"), "utf8"));
  for (const { path } of config.references ?? [])
    await closure(relative(root, resolve(root, name, path, "..")), found);
  return [...found];
}

/** Changes with any source: its name, its size, or when it was written. */
async function fingerprintOf(sources) {
  const shared = ["tsconfig.json", "tsconfig.build.json", "package-lock.json"].map((name) =>
    join(root, name),
  );
  const lines = await Promise.all(
    [...sources, ...shared].sort().map(async (path) => {
      const { size, mtimeMs } = await stat(path);
      return `${relative(root, path)} ${size} ${mtimeMs}`;
    }),
  );
  return createHash("sha256").update(lines.join("\n")).digest("hex");
}

async function listSources(folder) {
  const entries = await readdir(folder, { withFileTypes: true });
  const lists = entries.map(async (entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return ["dist", "node_modules", "testing"].includes(entry.name) ? [] : listSources(path);
    return /(?<!\.test)\.tsx?$|^(package|tsconfig\.build)\.json$/.test(entry.name) ? [path] : [];
  });
  return (await Promise.all(lists)).flat();
}

const stampOf = (name) => join(cache, `build-${name}`);

async function readStamp(name) {
  try {
    return await readFile(stampOf(name), "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build().catch(fail);
