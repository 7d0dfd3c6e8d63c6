// Steps, ends and new runs of one statement do not get in one another's way.

import { randomUUID } from "node:crypto";
import { contract } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { newId } from "../ids.ts";
import { must } from "../must.ts";
import { call, startTestEngine, type TestEngine } from "../testing/index.ts";
import { type Databases, openDatabases } from "./database.ts";
import type { DriveEnd } from "./run-finish.ts";
import { insertRuns, type Take } from "./run-start.ts";
import { type RunWrites, writeRuns } from "./run-writes.ts";

let rotor: TestEngine;
let databases: Databases;

beforeAll(async () => {
  rotor = await startTestEngine();
  databases = openDatabases({ url: rotor.url, rowSecurity: true });
  const register = { id: "w", serve_url: "http://127.0.0.1:50997/", trigger_event: "e" };
  await call(rotor.engine, rotor.home.admin, contract.functions.register, register);
});

afterAll(async () => {
  await databases?.close();
  await rotor?.stop();
});

const newRun = () => ({
  ...{ id: newId("run"), workspaceId: rotor.home.id, workflowId: "w", idempotencyKey: null },
  ...{ eventId: null, eventName: null, eventTs: Date.now(), input: "{}", provenance: {} },
});

type Driven = { id: string; token: string };

/** The first and the last of new runs that are being driven. */
async function driven(count: number): Promise<[Driven, Driven]> {
  const take: Take = { room: count, leaseMs: 600_000, taken: [] };
  await insertRuns(databases.engine, Array.from({ length: count }, newRun), take);
  return [must(take.taken[0]), must(take.taken[count - 1])];
}

const end = ({ id, token }: { id: string; token: string }, output: string): DriveEnd => ({
  ...{ run: id, workspaceId: rotor.home.id, token, steps: [], asked: null, isAlone: true },
  next: { kind: "completed", output },
});
const step = () => ({
  ...{ key: randomUUID(), name: "a", kind: "run" as const, outcome: { ok: 1 }, attempt: 1, durationMs: 1 },
});

function write(some: Partial<RunWrites>) {
  const take = { room: 0, leaseMs: 0, taken: [] };
  return writeRuns(databases.sql, { steps: [], ends: [], runs: [], take, access: null, ...some });
}

test("I4: of two ends of a run in one statement, that of the older lease counts for nothing", async () => {
  const [run] = await driven(1);
  const { id, token } = run;
  const old = { id, token: randomUUID() };
  const { ended } = await write({ ends: [end(old, "stale"), end({ id, token }, "right")] });
  expect([...ended]).toEqual([`${id}.${token}`]);
  const [row] = await rotor.sql`select output from run where id = ${id}`;
  expect(row?.output).toBe('"right"');
});

test("I2: of two ends of a run under one lease in one statement, the first counts", async () => {
  const [run] = await driven(1);
  await write({ ends: [end(run, "first"), end(run, "second")] });
  const [row] = await rotor.sql`select output from run where id = ${run.id}`;
  expect(row?.output).toBe('"first"');
});

test("each part gets its own answers, and a stale lease keeps nothing", async () => {
  const [a, b] = await driven(2);
  const steps = [
    { run: a.id, token: a.token, step: step() },
    { run: a.id, token: randomUUID(), step: step() },
  ];
  const started = newRun();
  const written = await write({
    steps,
    ends: [end(b, "done")],
    runs: [started, { ...newRun(), workflowId: "none" }],
  });
  expect(written.kept).toEqual([
    { held: true, kept: true },
    { held: false, kept: false },
  ]);
  expect([...written.ended]).toEqual([`${b.id}.${b.token}`]);
  expect(written.started).toMatchObject([{ kind: "started", id: started.id }, { kind: "no workflow" }]);
});

test("its runs are locked in the order in which everybody locks them", async () => {
  const [first, second] = await driven(2);
  let writing: Promise<unknown> | undefined;
  await rotor.sql.begin(async (sql) => {
    await sql`select 1 from run where id = ${first.id} for update`;
    writing = write({
      steps: [{ run: second.id, token: second.token, step: step() }],
      ends: [end(first, "done")],
    });
    await vi.waitUntil(async () => (await rotor.sql`select 1 from pg_locks where not granted`).length > 0, {
      timeout: 15_000,
      interval: 10,
    });
    await sql`select 1 from run where id = ${second.id} for update`;
  });
  await writing;
});
