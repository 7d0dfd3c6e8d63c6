// Who follows a run hears of every change, whatever order transactions commit in and whichever process makes them.

import { afterAll, beforeAll, expect, test } from "vitest";
import { createFeed } from "./feed.ts";
import { readRunChange } from "./store/changes.ts";
import { type Databases, openDatabases } from "./store/database.ts";
import { startWorkflowTest, type WorkflowTest } from "./testing/workflows.ts";

let rotor: WorkflowTest;
let databases: Databases;

beforeAll(async () => {
  rotor = await startWorkflowTest();
  databases = openDatabases({ url: rotor.databaseUrl, rowSecurity: true });
});

afterAll(async () => {
  await databases?.close();
  await rotor?.stop();
});

/** Follows as a process that drives nothing: it learns only from the database. */
async function heard(id: string, onMessage: (status: string) => void = () => {}) {
  const feed = createFeed(databases.engine);
  const statuses: string[] = [];
  const steps = new Map<string, string[]>();
  const messages = feed.follow({ workspaceId: rotor.home.id, id }, null, new AbortController().signal);
  for await (const { message } of messages) {
    statuses.push(message.run.status);
    for (const { name, status } of message.steps) steps.set(name, [...(steps.get(name) ?? []), status]);
    onMessage(message.run.status);
  }
  return { statuses, steps };
}

test("every step and the end are heard of, from another process too", async () => {
  await rotor.define({ id: "followed" }, async ({ step }) => {
    for (let n = 0; n < 5; n++) await step.run(`step-${n}`, () => n);
    await step.waitForEvent("reply", { event: "go.on", timeout: "1d" });
    return step.run("last", () => "x".repeat(20_000));
  });
  const id = await rotor.trigger("followed");
  let sent = false;
  const { statuses, steps } = await heard(id, (status) => {
    if (status === "waiting" && !sent) void rotor.send("go.on");
    sent ||= status === "waiting";
  });
  expect(statuses).toContain("waiting");
  expect(statuses.at(-1)).toBe("completed");
  expect([...steps.keys()]).toEqual(["step-0", "step-1", "step-2", "step-3", "step-4", "reply", "last"]);
  expect(steps.get("reply")).toEqual(["waiting", "completed"]);
  expect([...steps].filter(([name]) => name !== "reply").every(([, all]) => all.length === 1)).toBe(true);
});

test("what is committed late, by a transaction older than the last look, is heard of all the same", async () => {
  await rotor.define({ id: "late" }, async ({ step }) => step.sleep("nap", "1d"));
  const id = await rotor.trigger("late");
  await rotor.until(id, "sleeping");
  const insert = (
    key: string,
  ) => `insert into step (run_id, key, workspace_id, name, kind, outcome, attempts, duration_ms,
    started_at, ended_at) values ('${id}', '${key}', '${rotor.home.id}', '${key}', 'run', '{"ok":1}', 1, 1, now(), now())`;
  const look = async (snapshot: string | null) => {
    const change = await readRunChange(databases.engine, rotor.home.id, id, snapshot);
    return { snapshot: change?.snapshot ?? "", names: change?.message?.steps.map(({ name }) => name) };
  };
  const first = await look(null);
  expect(first.names).toEqual(["nap"]);
  const early = await rotor.sql.reserve();
  await early.unsafe(`begin; ${insert("early")}`);
  await rotor.sql.unsafe(insert("later"));
  const second = await look(first.snapshot);
  expect(second.names).toEqual(["later"]);
  await early.unsafe("commit");
  early.release();
  const third = await look(second.snapshot);
  expect(third.names).toEqual(["early"]);
  expect((await look(third.snapshot)).names).toBeUndefined();
});

test("a run's time is divided into queued, waiting and running, and nothing is counted twice", async () => {
  await rotor.define({ id: "timed", retries: 1 }, async ({ step }) => {
    let attempts = 0;
    await step.run("work", () => attempts++);
    await step.sleep("nap", "1h");
    return step.run("flaky", () => {
      if (again++ === 0) throw new Error("once");
    });
  });
  let again = 0;
  const id = await rotor.trigger("timed");
  await rotor.until(id, "sleeping");
  await rotor.moveClock("1 hour");
  await rotor.until(id, (run) => run.steps.some(({ status }) => status === "retrying"));
  await rotor.moveClock("10 minutes");
  const run = await rotor.until(id, "completed");
  const total = Date.parse(run.ended_at as string) - Date.parse(run.created_at);
  const { queued_ms, waiting_ms, running_ms } = run.timings;
  expect(Math.abs(queued_ms + waiting_ms + running_ms - total)).toBeLessThan(10);
  expect(waiting_ms).toBeGreaterThan(3_600_000);
  expect(running_ms).toBeLessThan(60_000);
  const [work, nap, flaky] = run.steps;
  expect(work?.timings).toMatchObject({ queued_ms: 0, waiting_ms: 0 });
  expect(nap?.timings.waiting_ms).toBeGreaterThan(3_590_000);
  // Its retry was due after about a second, and nobody looked for ten minutes.
  expect(flaky?.timings.waiting_ms).toBeLessThan(60_000);
  expect(flaky?.timings.queued_ms).toBeGreaterThan(500_000);
});
