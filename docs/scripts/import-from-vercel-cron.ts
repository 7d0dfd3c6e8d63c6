// `npx tsx docs/scripts/import-from-vercel-cron.ts vercel.json`: what its crons become, as one JSON object a line: the
// queue that calls each path, and the schedule that fires it. Replace YOUR_DOMAIN, then send each `config` to
// POST /v1/queues or POST /v1/schedules. Vercel means UTC; where people rely on the time of day, name their zone.

import { readFileSync } from "node:fs";
import { argv, exit, stderr, stdout } from "node:process";

type Cron = { path: string; schedule: string };

const file = argv[2];
try {
  if (file === undefined) throw new Error("Name the file: vercel.json.");
  for (const line of linesOf(cronsIn(readFileSync(file, "utf8")))) stdout.write(`${JSON.stringify(line)}\n`);
} catch (error) {
  stderr.write(`${error instanceof Error ? error.message : error}\n`);
  exit(1);
}

function cronsIn(text: string): Cron[] {
  const { crons } = JSON.parse(text) as { crons?: unknown };
  if (!Array.isArray(crons) || crons.length === 0) throw new Error("There are no crons in this file.");
  return crons.map((cron: Partial<Cron>, index) => {
    const { path, schedule } = cron;
    if (typeof path !== "string" || !path.startsWith("/") || typeof schedule !== "string") {
      throw new Error(`crons[${index}] needs a path that begins with a slash, and a schedule.`);
    }
    return { path, schedule };
  });
}

/** A path that is called at several times is one queue with several schedules. */
function* linesOf(crons: readonly Cron[]) {
  const queues = new Map<string, string>();
  for (const { path, schedule } of crons) {
    let name = queues.get(path);
    if (name === undefined) {
      name = unused(nameOf(path), new Set(queues.values()));
      queues.set(path, name);
      yield { type: "queue", config: { name, callback_url: `https://YOUR_DOMAIN${path}` } };
    }
    yield { type: "schedule", config: { queue: name, cron: schedule, timezone: "UTC" } };
  }
}

/** `/api/cron/cleanup` is `cron-cleanup`. */
function nameOf(path: string): string {
  const name = path.replace(/^\/api\//, "/").replaceAll(/[^A-Za-z0-9._-]+/g, "-");
  return name.replaceAll(/^[^A-Za-z0-9]+|-+$/g, "").slice(0, 120) || "root";
}

function unused(name: string, taken: ReadonlySet<string>): string {
  let made = name;
  for (let count = 2; taken.has(made); count++) made = `${name}-${count}`;
  return made;
}
