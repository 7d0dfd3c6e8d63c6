// A start that cannot succeed ends with one line for a person, and a code for a program.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestDatabase } from "@rotorsh/engine/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ensureDevKeys, readDevKeys } from "./dev-files.ts";
import { startServerProcess } from "./testing/server-process.ts";

let folder: string;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let home: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rotor-start-"));
  home = join(folder, "home");
  database = await createTestDatabase();
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await database.drop();
});

const dev = (more: Record<string, string>) => ({ ROTOR_DEV: "1", DATABASE_URL: database.url, ...more });

async function complaintOf(env: Record<string, string>): Promise<string> {
  const started = await startServerProcess(env).catch((error: Error) => error);
  if (!(started instanceof Error)) {
    await started.stop();
    return "it started";
  }
  return started.message;
}

test("a database that cannot be reached", async () => {
  const url = new URL(database.url);
  url.port = "1";
  url.password = "very-secret";
  const said = await complaintOf(dev({ ROTOR_DATA_DIR: home, DATABASE_URL: url.href }));
  expect(said).toMatch(
    /^DATABASE_URL: the database \S+ at [\d.]+:1 cannot be used: nothing listens there\. Example: .*$/,
  );
  expect(said).not.toContain("very-secret");
});

test("a database that is not there", async () => {
  const url = new URL(database.url);
  url.pathname = "/nowhere";
  const said = await complaintOf(dev({ ROTOR_DATA_DIR: home, DATABASE_URL: url.href }));
  expect(said).toMatch(
    /^DATABASE_URL: the database nowhere at \S+ cannot be used: there is no database of this name\..*$/,
  );
});

test("a file where the data folder should be", async () => {
  const file = join(folder, "file");
  await writeFile(file, "");
  const said = await complaintOf(dev({ ROTOR_DATA_DIR: file }));
  expect(said).toBe(
    `ROTOR_DATA_DIR: ${file} cannot be used: it is a file, not a folder. Example: ROTOR_DATA_DIR=.rotor`,
  );
});

test.each(["{", "[]", '{"url":"x"}', ""])("a damaged dev.json: %j", async (text) => {
  const damaged = await mkdtemp(join(folder, "damaged-"));
  await writeFile(join(damaged, "dev.json"), text);
  const said = await complaintOf(dev({ ROTOR_DATA_DIR: damaged }));
  expect(said).toMatch(/^ROTOR_DATA_DIR: \S+dev\.json is damaged\. Delete it .*$/);
  expect(await readFile(join(damaged, "dev.json"), "utf8")).toBe(text);
});

test("a second server of a folder leaves the first one's address in dev.json, until that one is gone", async () => {
  const env = dev({ ROTOR_DATA_DIR: home });
  const first = await startServerProcess(env);
  const second = await startServerProcess(env);
  expect(second.url).not.toBe(first.url);
  expect((await readDevKeys(home))?.url).toBe(first.url);
  await Promise.all([first.stop(), second.stop()]);
  const keys = await ensureDevKeys(home, { url: second.url });
  expect([keys.url, (await readDevKeys(home))?.url]).toEqual([second.url, second.url]);
}, 60_000);
