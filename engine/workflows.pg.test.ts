// Runs from their trigger to their end, against a real app over HTTP.

import { contract } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { call } from "./testing/index.ts";
import { startWorkflowTest, type WorkflowTest } from "./testing/workflows.ts";

let rotor: WorkflowTest;

beforeAll(async () => {
  rotor = await startWorkflowTest();
});

afterAll(() => rotor?.stop());

test("steps run once each and their results make the output", async () => {
  const executed: string[] = [];
  await rotor.define({ id: "steps" }, async ({ event, step }) => {
    const a = await step.run("a", () => executed.push("a") && (event as { data: { n: number } }).data.n);
    const b = await step.run("b", () => executed.push("b") && a + 1);
    return step.run("c", () => executed.push("c") && b + 1);
  });
  const run = await rotor.until(await rotor.trigger("steps", { n: 1 }), "completed");
  expect(run).toMatchObject({ output: 3, input: { n: 1 } });
  expect(run.steps.map(({ name, status, output }) => [name, status, output])).toEqual([
    ["a", "completed", 1],
    ["b", "completed", 2],
    ["c", "completed", 3],
  ]);
  expect(executed).toEqual(["a", "b", "c"]);
});

test("a sleeping run wakes when its time has come, and keeps what it did before", async () => {
  let executed = 0;
  await rotor.define({ id: "sleeps" }, async ({ step }) => {
    await step.run("before", () => executed++);
    await step.sleep("nap", "1h");
    return step.run("after", () => "woken");
  });
  const id = await rotor.trigger("sleeps");
  const asleep = await rotor.until(id, "sleeping");
  expect(asleep.steps).toMatchObject([{ status: "completed" }, { name: "nap", status: "sleeping" }]);
  await rotor.moveClock("1 hour");
  expect(await rotor.until(id, "completed")).toMatchObject({ output: "woken" });
  expect(executed).toBe(1);
});

test("an event wakes the run whose match it fits, and no other", async () => {
  await rotor.define({ id: "waits" }, async ({ event, step }) => {
    const { user } = (event as { data: { user: string } }).data;
    return step.waitForEvent("reply", { event: "replied", match: `data.user == "${user}"`, timeout: "1d" });
  });
  const [one, two] = await Promise.all(["u1", "u2"].map((user) => rotor.trigger("waits", { user })));
  await Promise.all([rotor.until(one as string, "waiting"), rotor.until(two as string, "waiting")]);
  await rotor.send("replied", { user: "u2", text: "hello" });
  expect(await rotor.until(two as string, "completed")).toMatchObject({
    output: { user: "u2", text: "hello" },
  });
  expect(await rotor.get(one as string)).toMatchObject({ status: "waiting" });
  await rotor.moveClock("1 day");
  expect(await rotor.until(one as string, "completed")).toMatchObject({ output: null });
});

test("a signal completes once: 200, then 410; unknown ones 404", async () => {
  await rotor.define({ id: "signals" }, async ({ runId, step }) =>
    step.waitForSignal("gate", { signal: `kyc-${runId}`, timeout: "1d" }),
  );
  const id = await rotor.trigger("signals");
  await rotor.until(id, "waiting");
  const complete = (signal: string) =>
    call(rotor.engine, rotor.home.admin, contract.signals.complete, { id: signal, data: { ok: true } });
  await expect(complete("kyc-nobody")).rejects.toMatchObject({ code: "SIGNAL_NOT_FOUND", status: 404 });
  expect(await complete(`kyc-${id}`)).toEqual({ completed: true, signal: `kyc-${id}`, run_id: id });
  expect(await rotor.until(id, "completed")).toMatchObject({ output: { ok: true } });
  await expect(complete(`kyc-${id}`)).rejects.toMatchObject({ code: "SIGNAL_RESOLVED", status: 410 });
});

test("an invoked run gives its parent the result", async () => {
  await rotor.define({ id: "child" }, async ({ event }) => (event as { data: { n: number } }).data.n * 2);
  await rotor.define({ id: "parent" }, async ({ step }) =>
    step.invoke("double", { workflow: { id: "child" }, data: { n: 21 }, timeout: "1h" }),
  );
  const run = await rotor.until(await rotor.trigger("parent"), "completed");
  expect(run.output).toEqual({ result: 42, runId: run.children[0]?.id });
  expect(run.steps).toMatchObject([{ kind: "invoke", child: run.children[0]?.id }]);
});

test("a step is tried again, and the run goes on with what it came to", async () => {
  let attempts = 0;
  await rotor.define({ id: "retries", retries: 2 }, async ({ step }) => {
    return step.run("flaky", () => {
      if (++attempts < 3) throw new Error("not yet");
      return attempts;
    });
  });
  const id = await rotor.trigger("retries");
  const waiting = await rotor.until(id, (run) => run.steps[0]?.attempts === 1 && run.status === "sleeping");
  expect(waiting.steps).toMatchObject([{ status: "retrying", error: { message: "not yet" } }]);
  await rotor.moveClock("1 hour");
  await rotor.until(id, (run) => run.steps[0]?.attempts === 2 && run.status === "sleeping");
  await rotor.moveClock("1 hour");
  expect(await rotor.until(id, "completed")).toMatchObject({ output: 3, steps: [{ attempts: 3 }] });
});

test("a cancelled run ends with its children, and does not start another step", async () => {
  await rotor.define({ id: "long" }, async ({ step }) => step.sleep("nap", "1d"));
  await rotor.define({ id: "boss" }, async ({ step }) =>
    step.invoke("long", { workflow: { id: "long" }, data: {}, timeout: "1h" }),
  );
  const id = await rotor.trigger("boss");
  const child = (await rotor.until(id, (run) => run.children[0]?.status === "sleeping")).children[0]
    ?.id as string;
  const cancelled = await call(rotor.engine, rotor.home.admin, contract.runs.cancel, { id });
  expect(cancelled).toMatchObject({ status: "cancelled", already_ended: false, cancelled_children: 1 });
  expect(await rotor.get(child)).toMatchObject({ status: "cancelled" });
  const again = await call(rotor.engine, rotor.home.admin, contract.runs.cancel, { id });
  expect(again).toMatchObject({ status: "cancelled", already_ended: true });
});

test("an event starts every workflow it triggers whose filter it fits", async () => {
  const trigger = { event: "signed.up", filter: 'data.plan == "pro"' };
  await rotor.define({ id: "welcome-pro", trigger }, async () => "pro");
  await rotor.define({ id: "welcome", trigger: { event: "signed.up" } }, async () => "all");
  const free = await rotor.send("signed.up", { plan: "free" });
  expect(free.events[0]?.runIds).toHaveLength(1);
  const pro = await rotor.send("signed.up", { plan: "pro" });
  const runs = await Promise.all((pro.events[0]?.runIds ?? []).map((id) => rotor.until(id, "completed")));
  expect(runs.map(({ output }) => output).sort()).toEqual(["all", "pro"]);
});

test("an event a step sends is published once, and starts what it triggers", async () => {
  await rotor.define({ id: "heard", trigger: { event: "spoken" } }, async ({ event }) => event);
  await rotor.define({ id: "speaks" }, async ({ step }) => {
    await step.sendEvent("say", { name: "spoken", data: { word: "hi" } });
    await step.sleep("nap", "1h");
  });
  const id = await rotor.trigger("speaks");
  await rotor.until(id, "sleeping");
  await rotor.moveClock("1 hour");
  await rotor.until(id, "completed");
  const heard = await vi.waitFor(async () => {
    const { data } = await call(rotor.engine, rotor.home.admin, contract.runs.list, { workflow: "heard" });
    expect(data).toHaveLength(1);
    return data[0]?.id as string;
  });
  expect(await rotor.until(heard, "completed")).toMatchObject({
    output: { name: "spoken", data: { word: "hi" } },
  });
});
