import { expect, test } from "vitest";
import {
  createFunction,
  NonRetriableError,
  RetryAfterError,
  SignalTimeoutError,
  WorkflowFailedError,
} from "../index.ts";
import { testWorkflow } from "./index.ts";

const enrich = createFunction({ id: "enrich", trigger: { event: "enrich" } }, async ({ event, step }) => {
  await step.sleep("let it settle", "10m");
  if (event.data.id === "bad") throw new NonRetriableError("no such contact");
  return { score: 7 };
});

const campaign = createFunction(
  { id: "campaign", trigger: { event: "campaign.requested" }, retries: 2 },
  async ({ event, step, runId }) => {
    const profile = await step.run("fetch-profile", (): { email: string } => {
      throw new Error("the network is not there in tests");
    });
    await step.sleep("delay", "1h");
    const score = await step
      .invoke<{ score: number }>("enrich", { workflow: enrich, data: event.data, timeout: "1h" })
      .then(({ result }) => result.score)
      .catch((error) => (error instanceof WorkflowFailedError ? 0 : Promise.reject(error)));
    await step.sendEvent("tell", { name: "scored", data: { score } });
    try {
      const { approved } = await step.waitForApproval("gate", { timeout: "48h" });
      if (!approved) return "rejected";
    } catch (error) {
      if (error instanceof SignalTimeoutError) return "nobody decided";
      throw error;
    }
    await step.waitForSignal("kyc", { signal: `kyc-${runId}`, timeout: "1d" });
    const opened = await step.waitForEvent("opened", {
      event: "email.opened",
      match: `data.email == "${profile.email}"`,
      timeout: "7d",
    });
    return { score, opened: opened !== null };
  },
);

const start = (id: string) =>
  testWorkflow(campaign, {
    data: { id },
    steps: { "fetch-profile": { email: "a@example.com" } },
    workflows: [enrich],
    now: new Date("2026-01-01T00:00:00Z"),
  });

test("a run goes through sleeps, children, approvals, signals and events, in no time", async () => {
  const run = await start("c1");
  expect(run.status).toBe("sleeping");
  await run.advance("1h");
  expect(run.status).toBe("waiting");
  expect(run.children).toHaveLength(1);
  await run.advance("10m");
  expect(run.sent).toEqual([{ name: "scored", data: { score: 7 } }]);
  expect(run.waiting).toEqual(['step "gate" waits for a decision: call approve()']);
  await expect(run.finish()).rejects.toThrow('step "gate" waits for a decision');
  await run.approve({ reason: "fine" });
  await expect(run.signal("kyc-other", {})).rejects.toThrow("Nobody waits");
  await run.signal(`kyc-${run.id}`, { ok: true });
  await run.send("email.opened", { email: "b@example.com" });
  expect(run.status).toBe("waiting");
  await run.send("email.opened", { email: "a@example.com" });
  expect(run).toMatchObject({ status: "completed", output: { score: 7, opened: true } });
  expect(run.now.toISOString()).toBe("2026-01-01T01:10:00.000Z");
  expect(run.steps.map(({ id }) => id)).toEqual([
    "fetch-profile",
    "delay",
    "enrich",
    "tell",
    "gate",
    "kyc",
    "opened",
  ]);
});

test("time that passes ends waits as the server would", async () => {
  const run = await start("c1");
  expect(await run.advance("3d")).toMatchObject({ status: "completed", output: "nobody decided" });
});

test("a child that fails is an error of the step that invoked it", async () => {
  const run = await start("bad");
  await run.advance("2h");
  await run.approve({ approved: false });
  expect(run).toMatchObject({ output: "rejected", sent: [{ data: { score: 0 } }] });
});

test("steps are retried, then the function fails, and its hook is called", async () => {
  let calls = 0;
  const told: string[] = [];
  const fn = createFunction(
    { id: "flaky", trigger: { event: "x" }, retries: 2, onFailure: ({ error }) => told.push(error.message) },
    async ({ step }) => step.run("call", () => "never called"),
  );
  const run = await testWorkflow(fn, {
    steps: {
      call: () => {
        calls++;
        throw new Error("down");
      },
    },
  });
  expect(calls).toBe(1);
  await run.finish();
  expect(run).toMatchObject({ status: "failed", error: { name: "StepError", message: "down" } });
  expect([calls, told]).toEqual([3, ["down"]]);
});

test("a function that fails as a whole is tried again from its top, its steps kept", async () => {
  let calls = 0;
  const fn = createFunction({ id: "whole", trigger: { event: "x" } }, async ({ step, attempt }) => {
    await step.run("once", () => ++calls);
    if (attempt < 3) throw new Error("not yet");
    return attempt;
  });
  const run = await (await testWorkflow(fn)).finish();
  expect(run).toMatchObject({ status: "completed", output: 3 });
  expect(calls).toBe(1);
});

test("what is invoked and not there fails its step, and says what to pass", async () => {
  const fn = createFunction({ id: "alone", trigger: { event: "x" }, retries: 0 }, async ({ step }) =>
    step.invoke("child", { workflow: { id: "elsewhere" }, data: {}, timeout: "1m" }),
  );
  expect(await testWorkflow(fn)).toMatchObject({
    status: "failed",
    error: { message: expect.stringContaining("pass it in `workflows`") },
  });
  const played = await testWorkflow(fn, { steps: { child: { score: 1 } } });
  expect(played.output).toMatchObject({ result: { score: 1 } });
});

test("a retry that is not due stays so, whatever else goes on", async () => {
  let calls = 0;
  const fn = createFunction({ id: "patient", trigger: { event: "x" } }, async ({ step }) =>
    Promise.all([
      step.run("busy", () => {
        if (++calls === 1) throw new RetryAfterError("not now", 3_600_000);
        return "done";
      }),
      step.waitForEvent("reply", { event: "replied", timeout: "1d" }).then(() => step.run("after", () => 1)),
    ]),
  );
  const run = await testWorkflow(fn);
  await run.send("replied");
  expect([calls, run.status, run.steps.map(({ id }) => id)]).toEqual([1, "sleeping", ["reply", "after"]]);
  await run.advance("59m");
  expect(calls).toBe(1);
  expect(await run.advance("1m")).toMatchObject({ status: "completed", output: ["done", 1] });
});

test("a function that is to be tried again later is not tried sooner by what it waited for", async () => {
  let calls = 0;
  const fn = createFunction({ id: "later", trigger: { event: "x" } }, async ({ step, attempt }) => {
    calls++;
    const reply = step.waitForEvent("reply", { event: "replied", timeout: "1d" });
    await step.sleep("nap", "1m");
    if (attempt === 1) throw new RetryAfterError("not now", 3_600_000);
    return reply;
  });
  const run = await testWorkflow(fn);
  await run.advance("1m");
  await run.send("replied", { n: 1 });
  expect([calls, run.status]).toEqual([2, "sleeping"]);
  expect(await run.advance("1h")).toMatchObject({ status: "completed", output: { n: 1 } });
});
