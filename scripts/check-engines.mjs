// Every installed package, of production and of development, must accept the oldest Node we promise to run on.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { root } from "./paths.mjs";
import { satisfies } from "./version-range.mjs";

/** Answers with one line per package that refuses; none means all is well. */
export async function checkEngines() {
  const own = JSON.parse(await readFile(join(root, "package.json"), "utf8")).engines.node;
  const oldest = `${own.replace(">=", "")}.0`;
  const { packages } = JSON.parse(await readFile(join(root, "node_modules", ".package-lock.json"), "utf8"));
  const refusals = await Promise.all(
    Object.entries(packages).map(async ([path, { link, optional }]) => {
      if (link || !path.includes("node_modules/")) return undefined;
      const { name, version, engines } = await readManifest(path, optional);
      if (!engines?.node || satisfies(oldest, engines.node)) return undefined;
      return `${name} ${version} wants Node ${engines.node}, and we promise ${own}`;
    }),
  );
  return refusals.filter(Boolean);
}

async function readManifest(path, optional) {
  try {
    return JSON.parse(await readFile(join(root, path, "package.json"), "utf8"));
  } catch (error) {
    if (optional && error.code === "ENOENT") return {};
    throw error;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const refusals = await checkEngines();
  console.log(refusals.join("\n") || "all packages accept it");
  process.exitCode = refusals.length ? 1 : 0;
}
