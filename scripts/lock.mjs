// One process at a time for work on shared folders (node_modules, dist). A lock file names its owner, so that the
// lock of a killed process is seen to be dead.

import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { root } from "./paths.mjs";

export const cache = join(root, ".cache");

/**
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(name, work) {
  const lock = join(cache, `${name}.lock`);
  const mine = `${lock}.${process.pid}.${randomBytes(4).toString("hex")}`;
  await mkdir(cache, { recursive: true });
  await writeFile(mine, String(process.pid));
  try {
    while (!(await take(mine, lock))) {
      await removeDead(lock, `${mine}.dead`);
      await delay(50);
    }
    try {
      return await work();
    } finally {
      await rm(lock, { force: true });
    }
  } finally {
    await rm(mine, { force: true });
  }
}

async function take(mine, lock) {
  try {
    await link(mine, lock);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

async function removeDead(lock, aside) {
  if (await isHeld(lock)) return;
  try {
    await rename(lock, aside);
    // Between look and move another process may have taken it: then it goes back.
    if (await isHeld(aside)) await link(aside, lock);
    await rm(aside);
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
}

async function isHeld(lock) {
  try {
    process.kill(Number(await readFile(lock, "utf8")), 0);
    return true;
  } catch (error) {
    if (error.code === "EPERM") return true;
    if (error.code === "ESRCH" || error.code === "ENOENT") return false;
    throw error;
  }
}
