// `npm run chaos -- --seconds 60 --seed 1`: real processes under load, killed at random; then everything that was
// promised is checked against what clients were told, what handlers saw, and what is stored.

import { setTimeout as sleep } from "node:timers/promises";
import postgres, { type Sql } from "postgres";
import { build } from "../../scripts/build.mjs";
import { readArguments } from "./arguments.ts";
import {
  checkAcknowledged,
  checkAttempts,
  checkKeys,
  checkNumbers,
  checkWitness,
  readJobs,
} from "./checks.ts";
import { type Client, createClient } from "./client.ts";
import { heal, startFaults } from "./faults.ts";
import { checkLimits, readLedger } from "./ledger.ts";
import { type Load, startLoad } from "./load.ts";
import { startObserver } from "./observer.ts";
import { queues } from "./plan.ts";
import { createRandom } from "./random.ts";
import { report } from "./report.ts";
import { drain, openStage, startServers } from "./stage.ts";
import { createStory } from "./story.ts";
import { tellWhatIsStuck } from "./stuck.ts";

const restMs = 120_000;

const { seconds, seed, redis, keep } = readArguments();
await build(["api"]);
const story = createStory();
const stage = await openStage(seed, redis, story);
const sql = postgres(stage.databaseUrl, {
  max: 2,
  onnotice: () => {},
  backoff: () => 0.1,
  connect_timeout: 2,
  // Asking for types on each new connection, postgres.js would end this process when that one is cut off.
  fetch_types: false,
});
try {
  await run();
} catch (error) {
  story.accuse(`the run broke off: ${error instanceof Error ? error.stack : error}`);
} finally {
  await report(stage, story, {
    name: `seed ${seed}, ${seconds} s, ${redis ? "Redis" : "Postgres"} broker`,
    seed,
    keep,
  });
  await sql.end({ timeout: 1 });
  await stage.close(keep);
}
process.exit(story.accusations.length > 0 ? 1 : 0);

async function run(): Promise<void> {
  await startServers(stage, story);
  const ask = createClient(stage, story);
  await createQueues(ask);
  const observer = startObserver(sql, story);
  const faults = startFaults(stage, seed, story, { untilMs: Date.now() + seconds * 1000 });
  const load = startLoad(ask, seed, story);
  await sleep(seconds * 1000);
  await load.stop();
  await faults.done;
  await heal(stage);
  story.tell("everything is up again, and the load has ended");
  await resume(ask);
  await comesToRest(sql);
  await observer.stop();
  await check(load, ask);
  await drain(stage, story);
  tellOutcome(load, faults.counts);
}

async function createQueues(ask: Client): Promise<void> {
  for (const { name, concurrency, timeoutSeconds, attempts, rate } of queues) {
    const body = {
      name,
      concurrency,
      callback_url: stage.receiverUrl,
      timeout_seconds: timeoutSeconds,
      retry_attempts: attempts,
      backoff: { type: "exponential", delay: 100, jitter: 0.5 },
      ...(rate && { rate_limit: rate }),
    };
    const made = await ask({ method: "POST", path: "/v1/queues", body, tries: 5 }, createRandom(seed));
    if (made?.status !== 201) throw new Error(`the queue ${name} was not made: ${JSON.stringify(made)}`);
  }
}

async function resume(ask: Client): Promise<void> {
  for (const { name } of queues) {
    await ask({ method: "POST", path: `/v1/queues/${name}/resume`, tries: 20 }, createRandom(seed));
  }
}

async function comesToRest(db: Sql): Promise<void> {
  for (const deadline = Date.now() + restMs; ; await sleep(250)) {
    const [row] = await db`
      select count(*)::int as open from job where state not in ('completed', 'failed', 'cancelled')`;
    if (row?.open === 0) return;
    if (Date.now() < deadline) continue;
    story.accuse(`${row?.open} jobs did not come to an end within ${restMs / 1000} s`);
    return tellWhatIsStuck(db, story);
  }
}

async function check({ sent, limits }: Load, ask: Client): Promise<void> {
  const jobs = await readJobs(sql);
  const visits = await readLedger(stage.ledgerPath);
  checkAcknowledged(jobs, sent, story);
  checkWitness(jobs, visits, sent, story);
  await checkAttempts(sql, story);
  await checkNumbers(sql, story);
  await checkKeys(sql, story);
  checkLimits(
    visits,
    limits,
    stage.workers.flatMap(({ freezes }) => freezes),
    story,
  );
  const audit = await ask({ method: "GET", path: "/v1/audit/verify", tries: 5 }, createRandom(seed));
  if (audit?.body.valid !== true) story.accuse(`the audit chain does not verify: ${JSON.stringify(audit)}`);
}

function tellOutcome({ sent, refusals }: Load, faults: Record<string, number>): void {
  const acknowledged = sent.filter(({ id }) => id).length;
  const struck = Object.entries(faults).map(([kind, n]) => `${n} × ${kind}`);
  const refused = [...refusals].map(([what, n]) => `${n} × ${what}`);
  console.log(
    `${sent.length} jobs sent, ${acknowledged} acknowledged; ${struck.join(", ")}${refused.length ? `; refused: ${refused.join("; ")}` : ""}`,
  );
}
