// A failed step, or function, is tried again at its time: whatever else wakes its run changes nothing about that.

import { afterAll, beforeAll, expect, test } from "vitest";
import { RetryAfterError } from "../sdk/index.ts";
import { startWorkflowTest, type WorkflowTest } from "./testing/workflows.ts";

let rotor: WorkflowTest;
/** Its app cannot reach it: each drive ends with its first new step. */
let oneWay: WorkflowTest;

beforeAll(async () => {
  rotor = await startWorkflowTest();
  oneWay = await startWorkflowTest({ checkpointUrl: undefined });
});

afterAll(async () => {
  await rotor?.stop();
  await oneWay?.stop();
});

const hourMs = 3_600_000;

test("a step that asked for an hour gets it, while another branch goes on", async () => {
  let calls = 0;
  await rotor.define({ id: "patient" }, async ({ step }) =>
    Promise.all([
      step.run("busy", () => {
        if (++calls === 1) throw new RetryAfterError("not now", hourMs);
        return "done";
      }),
      step
        .waitForEvent("reply", { event: "replied", timeout: "1d" })
        .then((reply) => step.run("after", () => reply)),
    ]),
  );
  const id = await rotor.trigger("patient");
  const before = await rotor.until(id, ({ steps }) => steps.some(({ status }) => status === "retrying"));
  await rotor.send("replied", { n: 1 });
  const after = await rotor.until(id, ({ status, steps }) => status === "sleeping" && steps.length === 3);
  const dueAt = (run: typeof after) => run.steps.find(({ name }) => name === "busy")?.due_at;
  expect(dueAt(after)).toBe(dueAt(before) as string);
  expect(calls).toBe(1);
  await rotor.moveClock("1 hour");
  expect(await rotor.until(id, "completed")).toMatchObject({ output: ["done", { n: 1 }] });
  expect(calls).toBe(2);
});

test("so it does where each drive ends with its first new step", async () => {
  let calls = 0;
  await oneWay.define({ id: "chained" }, async ({ step }) =>
    Promise.all([
      step.run("busy", () => {
        if (++calls === 1) throw new RetryAfterError("not now", hourMs);
        return "done";
      }),
      step.run("a", () => 1).then(() => step.run("b", () => 2).then(() => step.run("c", () => 3))),
    ]),
  );
  const id = await oneWay.trigger("chained");
  const run = await oneWay.until(id, ({ status, steps }) => status === "sleeping" && steps.length === 4);
  expect(run.steps.find(({ name }) => name === "busy")).toMatchObject({ status: "retrying", attempts: 1 });
  expect(calls).toBe(1);
  await oneWay.moveClock("1 hour");
  expect(await oneWay.until(id, "completed")).toMatchObject({ output: ["done", 3] });
  expect(calls).toBe(2);
});

test("a function that is to be tried again in an hour is not tried sooner by what it waited for", async () => {
  let calls = 0;
  await rotor.define({ id: "whole" }, async ({ step, attempt }) => {
    calls++;
    const told = step.waitForEvent("told", { event: "told", timeout: "1d" });
    await step.sleep("nap", "10ms");
    if (attempt === 1) throw new RetryAfterError("not now", hourMs);
    return told;
  });
  const id = await rotor.trigger("whole");
  await rotor.until(id, ({ attempt }) => attempt === 2);
  await rotor.send("told", { n: 1 });
  const [row] = await rotor.sql`
    select due_at > rotor_now() + interval '50 minutes' as is_later, attempt from run where id = ${id}`;
  expect(row).toEqual({ is_later: true, attempt: 2 });
  await rotor.moveClock("1 hour");
  expect(await rotor.until(id, "completed")).toMatchObject({ output: { n: 1 } });
  expect(calls).toBe(3);
});
