import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { contract, parseInput } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";

const script = fileURLToPath(new URL("import-from-vercel-cron.ts", import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rotor-vercel-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function imported(vercel: string) {
  const file = join(folder, "vercel.json");
  await writeFile(file, vercel);
  return promisify(execFile)(process.execPath, ["--import", "tsx", script, file]);
}

test("each path becomes a queue and each cron a schedule, as the operations take them", async () => {
  const crons = [
    { path: "/api/cron/cleanup", schedule: "0 */6 * * *" },
    { path: "/api/cron/daily-digest", schedule: "0 12 * * *" },
    { path: "/api/cron/cleanup", schedule: "30 1 * * *" },
    { path: "/api/cron-cleanup", schedule: "@daily" },
    { path: "/", schedule: "0 0 1 * *" },
  ];
  const { stdout } = await imported(JSON.stringify({ crons, regions: [] }));
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { type: "queue" | "schedule"; config: object });
  expect(stdout.split("\n").slice(0, 2)).toEqual([
    '{"type":"queue","config":{"name":"cron-cleanup","callback_url":"https://YOUR_DOMAIN/api/cron/cleanup"}}',
    '{"type":"schedule","config":{"queue":"cron-cleanup","cron":"0 */6 * * *","timezone":"UTC"}}',
  ]);
  const queues = lines.filter(({ type }) => type === "queue").map(({ config }) => config as { name: string });
  expect(queues.map(({ name }) => name)).toEqual([
    "cron-cleanup",
    "cron-daily-digest",
    "cron-cleanup-2",
    "root",
  ]);
  expect(lines.filter(({ type }) => type === "schedule")).toHaveLength(crons.length);
  for (const { type, config } of JSON.parse(
    JSON.stringify(lines).replaceAll("YOUR_DOMAIN", "app.example.com"),
  )) {
    const { create } = type === "queue" ? contract.queues : contract.schedules;
    expect(parseInput(create.input, config)).toMatchObject(config);
  }
});

test.each([
  ["{}", "There are no crons in this file."],
  ['{"crons":[{"path":"cleanup","schedule":"@daily"}]}', "crons[0] needs a path"],
  ["{", "JSON"],
])("%s is refused with a sentence", async (vercel, said) => {
  const failed = await imported(vercel).catch((error: { code: number; stderr: string }) => error);
  expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining(said) });
});
