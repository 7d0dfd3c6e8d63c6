// `npm run eval`: every layer that can run here, a scorecard, and the same as JSON and as a page.
//   --live MODEL    also a real model (needs ANTHROPIC_API_KEY); --runs N (5); its turns are recorded
//   --record        makes the reference recordings anew, and writes L1 down even where it fell
//   --no-hosts      leaves out the host programs, which are large

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { drops, measureBaseline, readBaseline, writeBaseline } from "./baseline.ts";
import { askedAt, type Case, readCases, splits } from "./case.ts";
import { anthropicKey } from "./config.ts";
import { checkHosts } from "./hosts.ts";
import { lint } from "./lint.ts";
import { playLive } from "./live.ts";
import { pageOf } from "./page.ts";
import { type Playback, playBack, recordReference } from "./playback.ts";
import { type Recording, readRecordings, reference, writeRecordings } from "./recordings.ts";
import { judgeRetrieval } from "./retrieval.ts";
import { describe, failures, type LiveResult, type Scorecard } from "./scorecard.ts";
import { type Server, startServer } from "./server.ts";
import { addresses, listing, readTools } from "./tools.ts";
import { judge } from "./transcript.ts";

const { values: options } = parseArgs({
  options: {
    live: { type: "string" },
    runs: { type: "string", default: "5" },
    record: { type: "boolean", default: false },
    "no-hosts": { type: "boolean", default: false },
  },
});

const cases = Object.fromEntries(
  await Promise.all(splits.map(async (split) => [split, await readCases(split)])),
);
const server = await startServer();
try {
  if (options.record) await record(server);
  const card: Scorecard = {
    made: new Date().toISOString(),
    ...(await judgeTexts()),
    playback: await playAll(server),
    hosts: options["no-hosts"] ? [] : await checkHosts(server),
    live: await judgeLive(server),
  };
  await save(card);
  console.log(describe(card).join("\n"));
  const problems = failures(card);
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
} finally {
  await server.stop();
}

async function judgeTexts(): Promise<Pick<Scorecard, "lint" | "retrieval" | "drops">> {
  const tools = await readTools();
  const judged = splits.filter((split) => (cases[split] as Case[]).length > 0);
  const retrieval = judged.flatMap((split) =>
    addresses.map((address) => {
      const asked = askedAt(cases[split] as Case[], address);
      return { address, split, result: judgeRetrieval(listing(tools, address), asked) };
    }),
  );
  return { lint: lint(tools), retrieval, drops: drops(await readBaseline(), await measureBaseline()) };
}

async function playAll(server: Server): Promise<Playback[]> {
  const recordings = await readRecordings(options.live ?? reference);
  const played: Playback[] = [];
  for (const recording of recordings) {
    const one = allCases().find(({ id }) => id === recording.case);
    played.push(
      one
        ? await playBack(server, one, recording)
        : { case: recording.case, state: "stale", why: ["there is no such case any more"] },
    );
  }
  return played;
}

async function record(server: Server): Promise<void> {
  const recordings: Recording[] = [];
  for (const one of allCases()) {
    const recording = await recordReference(server, one);
    if (recording) recordings.push(recording);
  }
  await writeRecordings(reference, recordings);
  await writeBaseline(await measureBaseline());
}

async function judgeLive(server: Server): Promise<Scorecard["live"]> {
  const model = options.live;
  if (!model) return { why: "no model was asked for (--live MODEL)" };
  if (!anthropicKey) return { why: "ANTHROPIC_API_KEY is not set" };
  const results: LiveResult[] = [];
  const recordings: Recording[] = [];
  for (const split of splits) {
    for (const one of cases[split] as Case[]) {
      for (const prompt of one.prompts) {
        for (let run = 1; run <= Number(options.runs); run++) {
          const played = await playLive(server, one, prompt, model, anthropicKey);
          const { turns, answer, tokens = 0, differences } = played;
          const verdict = judge(one, played);
          const reached = differences.length === 0;
          results.push({ case: one.id, split, prompt, run, verdict, reached, calls: turns.length, tokens });
          if (run === 1)
            recordings.push({ case: one.id, prompt, tools: played.tools, turns, answer } as Recording);
        }
      }
    }
  }
  await writeRecordings(model, recordings);
  return { model, results };
}

function allCases(): Case[] {
  return (Object.values(cases) as Case[][]).flat();
}

async function save(card: Scorecard): Promise<void> {
  const folder = join(import.meta.dirname, "results");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "scorecard.json"), `${JSON.stringify(card, null, 1)}\n`);
  await writeFile(join(folder, "scorecard.html"), pageOf(card));
}
