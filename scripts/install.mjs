// Brings node_modules to what package-lock.json says. Quiet, and quick when there is nothing to do.

import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withLock } from "./lock.mjs";
import { root } from "./paths.mjs";
import { run } from "./run.mjs";

const stamp = join(root, "node_modules", ".rotor-lock-hash");

export async function install() {
  if (await isFresh()) return;
  await withLock("install", async () => {
    if (await isFresh()) return;
    if (!(await isInstalled())) await installNow();
    await writeFile(stamp, await lockHash());
  });
}

async function installNow() {
  console.error("installing dependencies …");
  const npm = process.env.npm_execpath;
  const args = ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"];
  const options = { cwd: root, shell: !npm && process.platform === "win32" };
  const { code, output } = await (npm
    ? run(process.execPath, [npm, ...args], options)
    : run("npm", args, options));
  if (code !== 0) throw new Error(`npm ci failed:\n${output.trim()}`);
}

async function isFresh() {
  return (await readIfThere(stamp)) === (await lockHash());
}

async function lockHash() {
  const hash = createHash("sha256").update(await readFile(join(root, "package-lock.json")));
  return hash.update(`${process.platform} ${process.arch}`).digest("hex");
}

/** Whether npm itself, run by hand, installed these very versions already. */
async function isInstalled() {
  const text = await readIfThere(join(root, "node_modules", ".package-lock.json"));
  if (!text) return false;
  const installed = JSON.parse(text).packages;
  const wanted = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")).packages;
  return Object.entries(wanted).every(([path, { version, link, optional, peer }]) => {
    if (!path.includes("node_modules/") || link) return true;
    const found = installed[path];
    return found ? found.version === version : Boolean(optional || peer);
  });
}

async function readIfThere(path) {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}
