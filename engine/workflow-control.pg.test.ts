// What people do with runs: approve, rerun, replay; and what apps do wrong.

import { contract } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { call, codeOf } from "./testing/index.ts";
import { startWorkflowTest, type WorkflowTest } from "./testing/workflows.ts";

let rotor: WorkflowTest;

beforeAll(async () => {
  rotor = await startWorkflowTest();
});

afterAll(() => rotor?.stop());

test("an approval is decided by who may approve, and the run learns who and why", async () => {
  await rotor.define({ id: "gated" }, async ({ step }) =>
    step.waitForApproval("gate", { timeout: "1d", prompt: "Send it?" }),
  );
  const id = await rotor.trigger("gated");
  const waiting = await rotor.until(id, "waiting");
  const signal = waiting.steps[0]?.signal as string;
  expect(waiting.steps).toMatchObject([{ approval: { prompt: "Send it?" } }]);
  const developer = await rotor.home.callerFor({ role: "developer" });
  expect(await codeOf(call(rotor.engine, developer, contract.runs.approve, { id }))).toBe("FORBIDDEN");
  const complete = call(rotor.engine, developer, contract.signals.complete, {
    id: signal,
    data: { approved: true },
  });
  expect(await codeOf(complete)).toBe("FORBIDDEN");
  const approver = await rotor.home.callerFor({ role: "approver" });
  const decided = await call(rotor.engine, approver, contract.runs.approve, {
    id,
    approved: false,
    reason: "too early",
  });
  expect(decided).toMatchObject({ approved: false, signal, decided_by: approver.memberEmail });
  expect(await rotor.until(id, "completed")).toMatchObject({
    output: { approved: false, reason: "too early", decided_by: approver.memberEmail },
  });
});

test("an approval that is decided through its signal is in the audit log too", async () => {
  await rotor.define({ id: "by-signal" }, async ({ runId, step }) =>
    step.waitForSignal("gate", { signal: `approval-${runId}`, timeout: "1d" }),
  );
  const id = await rotor.trigger("by-signal");
  await rotor.until(id, "waiting");
  const approver = await rotor.home.callerFor({ role: "developer", capabilities: ["approver"] });
  const data = { approved: true };
  await call(rotor.engine, approver, contract.signals.complete, { id: `approval-${id}`, data });
  const { data: events } = await call(rotor.engine, rotor.home.admin, contract.audit.list, {
    resource_id: id,
  });
  expect(events).toMatchObject([
    { event_type: "run.decided", actor_id: approver.actorId, metadata: { after: { approved: true } } },
  ]);
});

test("a signal that is no approval cannot be approved, and one that two runs wait for fails the second", async () => {
  await rotor.define({ id: "kyc" }, async ({ step }) =>
    step.waitForSignal("kyc", { signal: "kyc-1", timeout: "1h" }),
  );
  const first = await rotor.trigger("kyc");
  await rotor.until(first, "waiting");
  const approve = call(rotor.engine, rotor.home.admin, contract.runs.approve, { id: first, signal: "kyc-1" });
  expect(await codeOf(approve)).toBe("NO_PENDING_APPROVAL");
  const second = await rotor.until(await rotor.trigger("kyc"), "failed");
  expect(second.error).toMatchObject({ message: expect.stringContaining('"kyc-1"') });
  expect(await rotor.get(first)).toMatchObject({ status: "waiting" });
  await rotor.moveClock("2 hours");
  expect(await rotor.until(first, "failed")).toMatchObject({ error: { name: "SignalTimeoutError" } });
});

test("a rerun keeps what came before a step; a replay keeps nothing", async () => {
  let first = 0;
  await rotor.define({ id: "again" }, async ({ event, step }) => {
    const a = await step.run("a", () => ++first);
    return step.run("b", () => [a, (event as { data: { n: number } }).data.n]);
  });
  const id = await rotor.trigger("again", { n: 1 });
  await rotor.until(id, "completed");
  const input = { id, from_step: "b", data: { n: 2 } };
  const rerun = await call(rotor.engine, rotor.home.admin, contract.runs.rerun, input);
  expect(await rotor.until(rerun.id, "completed")).toMatchObject({ output: [1, 2], replay_of: id });
  const replay = await call(rotor.engine, rotor.home.admin, contract.runs.replay, { id });
  expect(await rotor.until(replay.id, "completed")).toMatchObject({ output: [2, 1] });
  const unknown = call(rotor.engine, rotor.home.admin, contract.runs.rerun, { id, from_step: "z" });
  expect(await codeOf(unknown)).toBe("STEP_NOT_FOUND");
});

test("the app is told of the end once, and what its hook throws is noted", async () => {
  const told: string[] = [];
  const onSuccess = ({ result }: { result: unknown }) => {
    told.push(`done ${result}`);
    throw new Error("slack is down");
  };
  await rotor.define({ id: "hooked", onSuccess }, async () => 7);
  const id = await rotor.trigger("hooked");
  const run = await rotor.until(id, ({ hookErrors }) => hookErrors.length > 0);
  expect(run).toMatchObject({
    status: "completed",
    hookErrors: [{ hook: "onSuccess", error: { message: "slack is down" } }],
  });
  expect(told).toEqual(["done 7"]);
});

test.each([
  ["HTML instead of JSON", 200, "<html></html>", /not JSON/],
  ["half a body", 200, '{"state":"completed","ste', /not JSON/],
  ["a result without a state", 200, "{}", /not understood/],
  ["a refused signature", 401, "", /signing key/],
  [
    "an unknown workflow",
    404,
    '{"error":{"message":"No function odd"}}',
    /serves no workflow.*No function odd/,
  ],
])("an app that answers with %s fails its run with a reason", async (_, status, body, reason) => {
  await rotor.define({ id: "odd" }, async () => 1);
  rotor.intercept = ({ run }) => (run.workflow === "odd" ? { status, body } : undefined);
  const id = await rotor.trigger("odd");
  const failed = await vi.waitFor(
    async () => {
      await rotor.sql`update run set due_at = rotor_now() where id = ${id} and lease is null and ended_at is null`;
      const run = await rotor.get(id);
      expect(run.status).toBe("failed");
      return run;
    },
    { timeout: 15_000, interval: 20 },
  );
  rotor.intercept = undefined;
  expect(failed.error).toMatchObject({ name: "DriveError", message: expect.stringMatching(reason) });
});

test("what cannot be invoked fails its step at once, naming it", async () => {
  const trigger = { cron: "0 9 * * 1", timezone: "Europe/Berlin" };
  await rotor.define({ id: "weekly", trigger }, async () => 1);
  await rotor.define({ id: "invokes" }, async ({ event, step }) => {
    const { id } = (event as { data: { id: string } }).data;
    return step.invoke("call", { workflow: { id }, data: {}, timeout: "1h" });
  });
  for (const id of ["weekly", "nowhere"]) {
    const run = await rotor.until(await rotor.trigger("invokes", { id }), "failed");
    expect(run.error).toMatchObject({
      name: "WorkflowFailedError",
      message: expect.stringContaining(`"${id}"`),
    });
  }
});

test("code that no longer asks for a step ends all the same, and the run says so", async () => {
  let isNew = false;
  await rotor.define({ id: "changed" }, async ({ step }) => {
    if (!isNew) await step.run("old", () => 1);
    await step.sleep("nap", "1h");
    return "end";
  });
  const id = await rotor.trigger("changed");
  await rotor.until(id, "sleeping");
  isNew = true;
  await rotor.moveClock("1 hour");
  expect(await rotor.until(id, "completed")).toMatchObject({ output: "end", unasked_steps: ["old"] });
});

test("an event of the future is published when its time comes", async () => {
  await rotor.define({ id: "later", trigger: { event: "due" } }, async () => "ran");
  const [row] = await rotor.sql`select rotor_now() + interval '1 day' as at`;
  const ts = new Date(row?.at as Date).getTime();
  const sent = await call(rotor.engine, rotor.home.admin, contract.events.send, { name: "due", ts });
  expect(sent.events[0]?.runIds).toEqual([]);
  await rotor.moveClock("1 day");
  await vi.waitFor(
    async () => {
      const { runs } = await call(rotor.engine, rotor.home.admin, contract.events.get, { id: sent.id });
      expect(runs).toMatchObject([{ workflow: "later", status: "completed" }]);
    },
    { timeout: 10_000 },
  );
});

test("invoking a workflow over the API waits for its result, and not for ever", async () => {
  await rotor.define({ id: "quick" }, async () => "result");
  const done = await call(rotor.engine, rotor.home.admin, contract.functions.invoke, { id: "quick" });
  expect(done).toMatchObject({ status: "completed", output: "result", next: null });
  await rotor.define({ id: "slow" }, async ({ step }) => step.sleep("nap", "1d"));
  const open = await call(rotor.engine, rotor.home.admin, contract.functions.invoke, {
    id: "slow",
    wait_seconds: 0,
  });
  expect(open.next).toContain(open.run_id);
});

test("why a run is where it is: what it waits for, what failed, and the next call", async () => {
  await rotor.define({ id: "inner", retries: 0 }, async ({ step }) => {
    await step.run("fine", () => 1);
    return step.run("broken", () => {
      throw new Error("no such lead");
    });
  });
  await rotor.define({ id: "outer" }, async ({ step }) => {
    await step.waitForApproval("gate", { timeout: "1d" });
    return step.invoke("call", { workflow: { id: "inner" }, data: {}, timeout: "1h" });
  });
  const explain = (id: string) => call(rotor.engine, rotor.home.admin, contract.runs.explain, { id });
  const id = await rotor.trigger("outer");
  const waiting = await rotor.until(id, "waiting");
  expect(await explain(id)).toMatchObject({
    status: "waiting",
    causes: [{ code: "WAITING_FOR_APPROVAL", step: "gate", signal: waiting.steps[0]?.signal }],
    failing_step: null,
    next: [{ operation: "runs.approve", tool: "approve_run", arguments: { id } }],
  });
  await call(rotor.engine, rotor.home.admin, contract.runs.approve, { id });
  const failed = await rotor.until(id, "failed");
  const child = failed.children[0]?.id as string;
  expect(await explain(id)).toMatchObject({
    causes: [{ code: "STEP_FAILED", step: "call", run_id: child }],
    children: [{ id: child, workflow: "inner", status: "failed" }],
    next: [{ operation: "runs.explain", tool: "explain_run", arguments: { id: child } }, {}, {}],
  });
  expect(await explain(child)).toMatchObject({
    causes: [{ code: "STEP_FAILED", step: "broken", attempts: 1 }],
    failing_step: { name: "broken", attempts: 1, retries: 0, error: { message: "no such lead" } },
    parents: [{ id, workflow: "outer", status: "failed" }],
    next: [{ operation: "runs.rerun", arguments: { id: child, from_step: "broken" } }, {}],
  });
  expect(await rotor.get(child)).toMatchObject({ parents: [{ id }], versions: [1] });
});
