import { spawnSync } from "node:child_process";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { cache, withLock } from "./lock.mjs";

const name = `test-${process.pid}`;
const lock = join(cache, `${name}.lock`);

afterEach(() => rm(lock, { force: true }));

test("of those who want a lock one works at a time, and nothing is left behind", async () => {
  let working = 0;
  const overlaps = await Promise.all(
    Array.from({ length: 5 }, () =>
      withLock(name, async () => {
        working++;
        await new Promise(setImmediate);
        return working--;
      }),
    ),
  );
  expect(overlaps).toEqual([1, 1, 1, 1, 1]);
  expect((await readdir(cache)).filter((file) => file.startsWith(name))).toEqual([]);
});

test("the lock of a process that is gone is taken over", async () => {
  const { pid } = spawnSync(process.execPath, ["--version"]);
  await mkdir(cache, { recursive: true });
  await writeFile(lock, String(pid));
  const work = (result) => withLock(name, async () => result);
  expect(await Promise.all([work(1), work(2), work(3)])).toEqual([1, 2, 3]);
});

test("work that fails gives the lock back", async () => {
  const failing = withLock(name, () => Promise.reject(new Error("no")));
  await expect(failing).rejects.toThrow("no");
  expect(await withLock(name, async () => "free")).toBe("free");
});
