// T-1 and T-7: one workspace never learns of another's things, by any operation or by raw SQL.

import { contract, isRead, pathParameters, RotorError } from "@rotorsh/contract";
import postgres from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { appRole, tenantTables } from "./store/roles.ts";
import { buildThings, call, startTestEngine, type TestEngine, type TestWorkspace } from "./testing/index.ts";
import { type Sampled, sampledOperations, type Things } from "./testing/samples.ts";

let rotor: TestEngine;
let stranger: TestWorkspace;
let foreign: Things;
const unknown: Things = {
  queue: "no-such-queue",
  job: "job_unknown",
  replay: "rpl_unknown",
  key: "key_unknown",
  member: "mem_unknown",
  workspace: "ws_unknown",
  workflow: "no-such-workflow",
  schedule: "sched_unknown",
  run: "run_unknown",
  event: "evt_unknown",
  signal: "no-such-signal",
  approval: `apv_${"0".repeat(32)}`,
};

beforeAll(async () => {
  rotor = await startTestEngine();
  stranger = await rotor.createWorkspace();
  foreign = await buildThings(rotor, stranger);
});

afterAll(() => rotor.stop());

const tenantOperations = sampledOperations.filter(({ noun }) => noun !== "admin");
const aboutOneThing = tenantOperations.filter(({ operation, name }) => {
  // An upsert of a name that only another workspace has makes a new thing; that is tried below.
  return pathParameters(operation).length > 0 && name !== "queues.upsert";
});
const lists = tenantOperations.filter(({ verb }) => verb === "list");

/** The error body of a call, with the names of the things it was about taken out. */
async function refusal({ operation, sample }: Sampled, things: Things): Promise<unknown> {
  const error = await rotor.engine
    .callAs(rotor.home.admin)(operation, sample(things))
    .catch((caught) => caught);
  expect(error).toBeInstanceOf(RotorError);
  const text = JSON.stringify([error.status, error.toBody()]);
  return JSON.parse(Object.values(things).reduce((body, name) => body.replaceAll(name, "…"), text));
}

test("the operations about one thing are among those tested", () => {
  expect(aboutOneThing.length).toBeGreaterThan(15);
});

test.each(aboutOneThing.map((sampled) => [sampled.name, sampled] as const))(
  "%s answers of another workspace's thing exactly as of one that does not exist",
  async (_, sampled) => {
    expect(await refusal(sampled, foreign)).toEqual(await refusal(sampled, unknown));
  },
);

test("a job is not found in one's own queue of the same name", async () => {
  await call(rotor.engine, rotor.home.admin, contract.queues.create, { name: foreign.queue });
  const jobs = aboutOneThing.filter(({ operation }) => pathParameters(operation).includes("id"));
  const ofJobs = jobs.filter(({ noun }) => noun === "jobs");
  expect(ofJobs.length).toBeGreaterThan(0);
  for (const sampled of ofJobs) {
    const missing = await refusal(sampled, { ...foreign, job: unknown.job });
    expect(await refusal(sampled, foreign)).toEqual(missing);
  }
  await call(rotor.engine, rotor.home.admin, contract.queues.delete, { name: foreign.queue });
});

test("an upsert under another workspace's queue name makes a queue of one's own and leaves the other", async () => {
  const settings = async () => {
    // The age of what waits grows while one looks.
    const { stats: _, ...queue } = await call(rotor.engine, stranger.admin, contract.queues.get, {
      name: foreign.queue,
    });
    return queue;
  };
  const before = await settings();
  const made = await call(rotor.engine, rotor.home.admin, contract.queues.upsert, {
    name: foreign.queue,
    concurrency: 99,
  });
  expect(made.created).toBe(true);
  expect(await settings()).toEqual(before);
  await call(rotor.engine, rotor.home.admin, contract.queues.delete, { name: foreign.queue });
});

test.each(lists.map((sampled) => [sampled.name, sampled] as const))(
  "%s holds nothing of another workspace",
  async (_, { operation, sample, noun }) => {
    const ofQueue = noun === "jobs" || noun === "dlq";
    const queue = ofQueue ? "own" : foreign.queue;
    if (ofQueue) await call(rotor.engine, rotor.home.admin, contract.queues.upsert, { name: queue });
    const output = JSON.stringify(
      await rotor.engine.callAs(rotor.home.admin)(operation, sample({ ...foreign, queue })),
    );
    for (const name of [...Object.values(foreign), stranger.admin.actorId])
      expect(output).not.toContain(name);
  },
);

test("what a refused call named is as it was", async () => {
  for (const { operation, sample } of aboutOneThing.filter(({ operation }) => !isRead(operation))) {
    await rotor.engine
      .callAs(rotor.home.admin)(operation, sample(foreign))
      .catch(() => {});
  }
  const asSeen = { queue: { name: foreign.queue }, job: { name: foreign.queue, id: foreign.job } };
  expect(await call(rotor.engine, stranger.admin, contract.queues.get, asSeen.queue)).toMatchObject({
    concurrency: 1,
    state: "active",
  });
  expect(await call(rotor.engine, stranger.admin, contract.jobs.get, asSeen.job)).toMatchObject({
    state: "waiting",
  });
  const [left] = await rotor.sql`
    select (select count(*) from member where id = ${foreign.member})::int as members,
      (select count(*) from api_key where id = ${foreign.key} and revoked_at is null)::int as keys`;
  expect({ ...left }).toEqual({ members: 1, keys: 1 });
});

test("a queue key can be made for one's own queues only: QUEUE_NOT_FOUND", async () => {
  const input = { label: "spy", tier: "queue" as const, queue: foreign.queue };
  const made = call(rotor.engine, rotor.home.admin, contract.apiKeys.create, input);
  await expect(made).rejects.toMatchObject({ code: "QUEUE_NOT_FOUND" });
});

/** Runs as rotor_app in a transaction, seeing a workspace or none. */
async function asApp<T>(
  workspaceId: string | null,
  work: (sql: postgres.TransactionSql) => Promise<T>,
): Promise<T> {
  const sql = postgres(rotor.url, { max: 1, connection: { role: appRole } });
  try {
    return (await sql.begin(async (tx) => {
      if (workspaceId) await tx`select set_config('app.workspace', ${workspaceId}, true)`;
      return work(tx);
    })) as T;
  } finally {
    await sql.end();
  }
}

const guardedTables = [...tenantTables, "workspace"];

test.each(guardedTables)("rotor_app sees no row of %s before it says its workspace", async (table) => {
  const [row] = await asApp(null, (tx) => tx`select count(*)::int as seen from ${tx(table)}`);
  expect(row?.seen).toBe(0);
});

test.each(guardedTables)("rotor_app sees of %s its own workspace's rows only", async (table) => {
  const column = table === "workspace" ? "id" : "workspace_id";
  const seen = await asApp(
    stranger.id,
    (tx) => tx`select distinct ${tx(column)} as owner from ${tx(table)} where ${tx(column)} is not null`,
  );
  expect(seen.map(({ owner }) => owner).filter((owner) => owner !== stranger.id)).toEqual([]);
});

test("rotor_app of one workspace can neither change nor add another's rows", async () => {
  const changed = await asApp(
    rotor.home.id,
    (tx) => tx`update member set name = 'x' where id = ${foreign.member}`,
  );
  expect(changed.count).toBe(0);
  const added = asApp(
    rotor.home.id,
    (tx) =>
      tx`insert into usage (workspace_id, period, queue_name, executions) values (${stranger.id}, now(), '', 1)`,
  );
  await expect(added).rejects.toMatchObject({ code: "42501" });
});

test("the workspace a transaction named is forgotten when it ends", async () => {
  const sql = postgres(rotor.url, { max: 1, connection: { role: appRole } });
  await sql.begin((tx) => tx`select set_config('app.workspace', ${stranger.id}, true)`);
  const [row] = await sql`select count(*)::int as seen from member`;
  await sql.end();
  expect(row?.seen).toBe(0);
});
