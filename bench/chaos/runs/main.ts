// Workflows under load while servers, app, Postgres and Redis are killed at random; then everything that was promised
// is checked against what clients were told, what the app executed, and what is stored.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import postgres from "postgres";
import { build } from "../../../scripts/build.mjs";
import { programPath } from "../../harness/config.ts";
import { freePort } from "../../harness/server.ts";
import { readArguments } from "../arguments.ts";
import { type Client, createClient } from "../client.ts";
import { heal, startFaults } from "../faults.ts";
import { createProgram, type Program } from "../program.ts";
import { createRandom } from "../random.ts";
import { report } from "../report.ts";
import { drain, openStage, startServers } from "../stage.ts";
import { createStory } from "../story.ts";
import { tellWhatIsStuck } from "../stuck.ts";
import { checkExecutions, checkLedger, checkRuns, type Execution, readRuns } from "./checks.ts";
import { startHelper, startLoad } from "./load.ts";

const restMs = 150_000;
/** Longer than the lease of a drive. */
const frozenMs = 24_000;

const { seconds, seed, redis, keep } = readArguments();
await build(["api"]);
const story = createStory();
const stage = await openStage(seed, redis, story);
const sql = postgres(stage.databaseUrl, {
  max: 2,
  onnotice: () => {},
  backoff: () => 0.1,
  connect_timeout: 2,
  fetch_types: false,
});
const ledgerPath = join(stage.folder, "steps.jsonl");
let app: Program | undefined;
try {
  await run();
} catch (error) {
  story.accuse(`the run broke off: ${error instanceof Error ? error.stack : error}`);
} finally {
  const name = `runs, seed ${seed}, ${seconds} s, ${redis ? "Redis" : "Postgres"} broker`;
  for (const line of app?.said() ?? []) story.tell(`app: ${line}`);
  await report(stage, story, { name, seed, keep });
  await app?.kill();
  await sql.end({ timeout: 1 });
  await stage.close(keep);
}
process.exit(story.accusations.length > 0 ? 1 : 0);

async function run(): Promise<void> {
  await startServers(stage, story);
  const ask = createClient(stage, story);
  const helper = await startHelper(ask, seed);
  const { program, serveUrl } = await openApp(helper.url);
  app = program;
  program.start();
  await register(ask, serveUrl);
  const untilMs = Date.now() + seconds * 1000;
  const faults = startFaults(stage, seed, story, { untilMs, app: program, frozenMs });
  const load = startLoad(ask, seed);
  await sleep(seconds * 1000);
  await load.stop();
  await faults.done;
  await heal(stage);
  story.tell("everything is up again, and the load has ended");
  await comesToRest();
  const runs = await readRuns(sql);
  const executions = (await readFile(ledgerPath, "utf8"))
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Execution);
  checkRuns(runs, load.sent, story);
  checkExecutions(executions, runs, story);
  await checkLedger(sql, story);
  helper.close();
  await drain(stage, story);
  const struck = Object.entries(faults.counts).map(([kind, n]) => `${n} × ${kind}`);
  console.log(
    `${runs.length} runs, ${executions.length} steps executed, ${helper.asked} events and signals; ${struck.join(", ")}`,
  );
}

async function openApp(helperUrl: string): Promise<{ program: Program; serveUrl: string }> {
  const port = await freePort();
  const script = fileURLToPath(new URL("app.ts", import.meta.url));
  const node = ["--conditions=@rotorsh/source", "--import", "tsx", script];
  const env = { ...programPath, ROTOR_SIGNING_KEY: stage.signingKey };
  const program = createProgram(
    {
      name: "app",
      command: process.execPath,
      args: [...node, ledgerPath, String(port), helperUrl],
      options: { env },
    },
    story,
  );
  return { program, serveUrl: `http://127.0.0.1:${port}/api/rotor` };
}

async function register(ask: Client, serveUrl: string): Promise<void> {
  for (const id of ["chain", "mixed", "echo"]) {
    const body = { id, serve_url: serveUrl, trigger_event: `${id}.go`, retries: 5 };
    const made = await ask({ method: "POST", path: "/v1/functions", body, tries: 5 }, createRandom(seed));
    if (made?.status !== 201) throw new Error(`${id} was not registered: ${JSON.stringify(made)}`);
  }
}

async function comesToRest(): Promise<void> {
  for (const deadline = Date.now() + restMs; ; await sleep(250)) {
    const open = await sql`
      select id, workflow_id, status, due_at - rotor_now() as due_in, lease is not null as driven, failures, error,
        (select string_agg(w.name, ', ') from waiter w where w.run_id = run.id) as waits_for from run
      where ended_at is null limit 20`;
    if (open.length === 0) return;
    if (Date.now() < deadline) continue;
    for (const row of open) story.accuse(`a run did not come to an end: ${JSON.stringify(row)}`);
    return tellWhatIsStuck(sql, story);
  }
}
