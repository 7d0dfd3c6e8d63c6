// What must hold of runs whatever happens: I2, I3, I4, I7, and that a stop of the server loses nothing.

import { contract, type StepRecord } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, codeOf } from "./testing/index.ts";
import { startWorkflowTest, type WorkflowTest } from "./testing/workflows.ts";

let rotor: WorkflowTest;

beforeAll(async () => {
  rotor = await startWorkflowTest();
});

afterAll(() => rotor?.stop());

const record = (key: string, value: unknown): StepRecord => ({
  key,
  name: key,
  kind: "run",
  outcome: { ok: value },
  attempt: 1,
  durationMs: 1,
});

/** A run that somebody drives, and its token. */
async function claimed(id: string): Promise<{ run: string; token: string }> {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await rotor.define({ id }, async () => held);
  const run = await rotor.trigger(id);
  await rotor.until(run, "running");
  const [row] = await rotor.sql`select lease from run where id = ${run}`;
  release();
  return { run, token: `${run}.${row?.lease}` };
}

async function send(token: string, step: StepRecord) {
  const { answers } = await rotor.engine.checkpoints({ checkpoints: [{ token, steps: [step] }] });
  return answers[0];
}

test("I3: the first result of a step counts; sent again it is answered with that one", async () => {
  const { run } = await claimed("first-writer");
  await rotor.until(run, "completed");
  await rotor.sql`update run set ended_at = null, status = 'running', lease = '00000000-0000-4000-8000-000000000001' where id = ${run}`;
  const token = `${run}.00000000-0000-4000-8000-000000000001`;
  expect(await send(token, record("a", "first"))).toEqual({ status: 200, recorded: {} });
  const { answers } = await rotor.engine.checkpoints({
    checkpoints: [{ token, steps: [record("a", "second"), record("b", 1)] }],
  });
  expect(answers).toEqual([{ status: 200, recorded: { a: { ok: "first" } } }]);
  await Promise.all([send(token, record("c", 1)), send(token, record("c", 2))]);
  const { steps } = await rotor.get(run);
  expect(steps.map(({ name, output }) => [name, output])).toEqual([
    ["a", "first"],
    ["b", 1],
    ["c", 1],
  ]);
});

test("I4: an older lease keeps nothing, and neither does one of a run that has ended", async () => {
  const { run, token } = await claimed("fenced");
  await rotor.until(run, "completed");
  const forged = `${run}.00000000-0000-4000-8000-000000000009`;
  for (const old of [token, forged])
    expect(await send(old, record("late", 1))).toMatchObject({ status: 409, error: { code: "LEASE_LOST" } });
  expect((await rotor.get(run)).steps).toEqual([]);
});

test("I4: in a message of several checkpoints each stands for itself", async () => {
  const { run } = await claimed("shared-message");
  await rotor.until(run, "completed");
  const lease = "00000000-0000-4000-8000-000000000001";
  await rotor.sql`update run set ended_at = null, status = 'running', lease = ${lease} where id = ${run}`;
  const [mine, old] = [`${run}.${lease}`, `${run}.00000000-0000-4000-8000-000000000002`];
  const { answers } = await rotor.engine.checkpoints({
    checkpoints: [
      { token: old, steps: [record("old", 1), record("new", "of the old one")] },
      { token: mine, steps: [record("new", "of the new one")] },
      { token: mine, steps: [{ key: "half" }] },
      { token: mine, steps: [record("new", "once more")] },
    ],
  });
  expect(answers).toMatchObject([
    { status: 409, error: { code: "LEASE_LOST" } },
    { status: 200, recorded: {} },
    { status: 422, error: { code: "INVALID_INPUT" } },
    { status: 200, recorded: { new: { ok: "of the new one" } } },
  ]);
  const { steps } = await rotor.get(run);
  expect(steps.map(({ name, output }) => [name, output])).toEqual([["new", "of the new one"]]);
  expect(await codeOf(rotor.engine.checkpoints({ checkpoints: [] }))).toBe("INVALID_INPUT");
});

test("I7: an event that comes while its wait is being registered is never lost", async () => {
  const count = 60;
  await rotor.define({ id: "racing" }, async ({ event, step }) => {
    const { n } = (event as { data: { n: number } }).data;
    await step.run("ready", () => n);
    return step.waitForEvent("reply", { event: "raced", match: `data.n == ${n}`, timeout: "1d" });
  });
  const ids = await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const id = await rotor.trigger("racing", { n });
      // As soon as it runs: before, while or after it registers its wait.
      await rotor.until(id, (run) => run.started_at !== null);
      await rotor.send("raced", { n });
      return id;
    }),
  );
  const runs = await Promise.all(ids.map((id) => rotor.until(id, "completed")));
  expect(runs.map(({ output }) => output)).toEqual(Array.from({ length: count }, (_, n) => ({ n })));
});

test("I7: an event that a drive caused before it broke off is its run's, when a later one waits for it", async () => {
  let attempts = 0;
  await rotor.define({ id: "broken-off" }, async ({ runId, step }) => {
    await step.sleep("begin", "10ms");
    await step.run("ask", () => rotor.send("answered", { run: runId }));
    // Its first drive comes no further.
    await step.run("flaky", () => {
      if (attempts++ === 0) throw new Error("once");
    });
    return step.waitForEvent("answer", { event: "answered", match: `data.run == "${runId}"`, timeout: "1d" });
  });
  const id = await rotor.trigger("broken-off");
  await rotor.until(id, (run) => run.steps.some(({ status }) => status === "retrying"));
  await rotor.moveClock("1 minute");
  expect(await rotor.until(id, "completed")).toMatchObject({ output: { run: id } });
});

test("a server that stops between drives loses nothing", async () => {
  let executed = 0;
  await rotor.define({ id: "survivor" }, async ({ step }) => {
    await step.run("once", () => ++executed);
    await step.sleep("nap", "1h");
    return step.run("after", () => "there");
  });
  const id = await rotor.trigger("survivor");
  await rotor.until(id, "sleeping");
  await rotor.restart();
  await rotor.moveClock("1 hour");
  expect(await rotor.until(id, "completed")).toMatchObject({ output: "there" });
  expect(executed).toBe(1);
});

test("a run whose server is not heard of again is driven again, from what was acknowledged", async () => {
  await rotor.define({ id: "orphan" }, async ({ step }) => step.run("work", () => "done"));
  await rotor.sql`update workflow set archived_at = rotor_now() where id = 'orphan'`;
  await rotor.sql`update workflow set archived_at = null where id = 'orphan'`;
  const id = await rotor.trigger("orphan");
  await rotor.until(id, "completed");
  await rotor.sql`update run set ended_at = null, output = null, status = 'running', due_at = rotor_now() - interval '1 s',
    lease = '00000000-0000-4000-8000-000000000002' where id = ${id}`;
  expect(await rotor.until(id, "completed")).toMatchObject({ output: "done" });
});

test("I2: cancelled while its app works, a run stays cancelled", async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const executed: string[] = [];
  await rotor.define({ id: "doomed" }, async ({ step }) => {
    await step.run("first", () => held);
    await step.run("second", () => executed.push("second"));
    return step.run("third", () => executed.push("third"));
  });
  const id = await rotor.trigger("doomed");
  await rotor.until(id, "running");
  await rotor.send("rotor/cancel.run", { runId: id });
  release();
  const later = await rotor.trigger("orphan");
  await rotor.until(later, "completed");
  expect(await rotor.get(id)).toMatchObject({ status: "cancelled", output: null });
  expect(executed).toEqual([]);
});

test("a trigger's idempotency key is for ever, and each workflow has its own", async () => {
  await rotor.define({ id: "keyed-a", trigger: { event: "charged" } }, async () => "a");
  await rotor.define({ id: "keyed-b", trigger: { event: "charged" } }, async () => "b");
  const trigger = () =>
    call(rotor.engine, rotor.home.admin, contract.functions.trigger, {
      id: "charged",
      idempotencyKey: "ch_1",
    });
  const [first, second] = [await trigger(), await trigger()];
  expect(first).toMatchObject({ duplicate: false });
  expect(first.runIds).toHaveLength(2);
  expect(second).toEqual({ ...first, duplicate: true });
});

test("a workspace at its quota gets 402 before a duplicate is looked for", async () => {
  const small = await rotor.createWorkspace("free");
  await call(rotor.engine, rotor.operator, contract.admin.updateWorkspace, {
    id: small.id,
    executions_per_month: 1,
  });
  const caller = await small.callerFor({ role: "developer" });
  const input = { id: "one", serve_url: rotor.url, trigger_event: "one" };
  await call(rotor.engine, caller, contract.functions.register, input);
  const trigger = () =>
    call(rotor.engine, caller, contract.functions.trigger, { id: "one", idempotencyKey: "k" });
  expect(await codeOf(trigger())).toBe("ok");
  expect(await codeOf(trigger())).toBe("QUOTA_EXCEEDED");
  expect(await codeOf(call(rotor.engine, caller, contract.events.send, { name: "one" }))).toBe(
    "QUOTA_EXCEEDED",
  );
});
