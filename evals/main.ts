// `npm run eval`: every layer that can run here, a scorecard, and the same as JSON and as a page.
//   --live MODEL    also a real model (needs ANTHROPIC_API_KEY); --runs N (5); its turns are recorded
//   --only TEXT     plays only cases whose id has the text
//   --record        makes the reference recordings anew, and writes L1 down even where it fell
//   --no-hosts      leaves out the host programs, which are large

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { drops, measureBaseline, readBaseline, writeBaseline } from "./baseline.ts";
import { askedAt, readCases, splits } from "./case.ts";
import { anthropicKey } from "./config.ts";
import { checkHosts } from "./hosts.ts";
import { lint } from "./lint.ts";
import { judgeLive, type LiveCase } from "./live.ts";
import { pageOf } from "./page.ts";
import { type Playback, playBack, recordReference, trySetup } from "./playback.ts";
import { readRecordings, reference, writeRecordings } from "./recordings.ts";
import { judgeRetrieval } from "./retrieval.ts";
import { describe, failures, type Scorecard } from "./scorecard.ts";
import { type Server, startServer } from "./server.ts";
import { sideBySide } from "./side-by-side.ts";
import { addresses, listing, readTools } from "./tools.ts";

const { values: options } = parseArgs({
  options: {
    live: { type: "string" },
    runs: { type: "string", default: "5" },
    only: { type: "string", default: "" },
    record: { type: "boolean", default: false },
    "no-hosts": { type: "boolean", default: false },
  },
});

const atOnce = 4;
const bySplit = await Promise.all(
  splits.map(async (split) => (await readCases(split)).map((one): LiveCase => ({ ...one, split }))),
);
const cases = bySplit.flat();
const chosen = cases.filter(({ id }) => id.includes(options.only));
const server = await startServer();
try {
  if (options.record) await record(server);
  const card: Scorecard = {
    made: new Date().toISOString(),
    ...(await judgeTexts()),
    playback: await playAll(server),
    hosts: options["no-hosts"] ? [] : await checkHosts(server),
    live: await live(server),
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
  const retrieval = splits.flatMap((split) =>
    addresses.map((address) => {
      const asked = askedAt(
        cases.filter((one) => one.split === split),
        address,
      );
      return { address, split, result: judgeRetrieval(listing(tools, address), asked) };
    }),
  );
  return { lint: lint(tools), retrieval, drops: drops(await readBaseline(), await measureBaseline()) };
}

/** Every recording, and the setup of every case that has none. */
async function playAll(server: Server): Promise<Playback[]> {
  const recordings = await readRecordings(options.live ?? reference);
  const recorded = new Set(recordings.map((recording) => recording.case));
  const gone = recordings
    .filter((recording) => !cases.some(({ id }) => id === recording.case))
    .map((one): Playback => ({ case: one.case, state: "stale", why: ["there is no such case any more"] }));
  const plays = chosen.flatMap((one) => [
    ...recordings
      .filter((recording) => recording.case === one.id)
      .map((recording) => () => playBack(server, one, recording)),
    ...(recorded.has(one.id) ? [] : [() => trySetup(server, one)]),
  ]);
  return [...gone, ...(await sideBySide(plays, atOnce, (play) => play()))];
}

async function record(server: Server): Promise<void> {
  const recordings = await sideBySide(cases, atOnce, (one) => recordReference(server, one));
  await writeRecordings(
    reference,
    recordings.filter((one) => one !== undefined),
  );
  await writeBaseline(await measureBaseline());
}

async function live(server: Server): Promise<Scorecard["live"]> {
  const name = options.live;
  if (!name) return { why: "no model was asked for (--live MODEL)" };
  if (!anthropicKey) return { why: "ANTHROPIC_API_KEY is not set" };
  const model = { name, apiKey: anthropicKey };
  const { results, recordings } = await judgeLive(server, chosen, model, Number(options.runs));
  const others = (await readRecordings(name)).filter((one) => !chosen.some(({ id }) => id === one.case));
  await writeRecordings(name, [...others, ...recordings]);
  return { model: name, results };
}

async function save(card: Scorecard): Promise<void> {
  const folder = join(import.meta.dirname, "results");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "scorecard.json"), `${JSON.stringify(card, null, 1)}\n`);
  await writeFile(join(folder, "scorecard.html"), pageOf(card));
}
