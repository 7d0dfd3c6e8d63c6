// Apps in processes of their own against a real server: every primitive, every adapter, every bad input.

import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type AppProcess, startWorkflowStage, type WorkflowStage } from "../testing/workflow-stage.ts";

const program = new URL("../testing/workflow-app.ts", import.meta.url);
let stage: WorkflowStage;
let app: AppProcess;

beforeAll(async () => {
  stage = await startWorkflowStage();
  app = await stage.startApp(program, ["node"]);
});

afterAll(() => stage?.stop());

const times = (line: string, said = app.said) => said.filter((one) => one === line).length;

test("steps run once each, alone and in parallel, before and after a sleep; the logger repeats nothing", async () => {
  const id = await stage.trigger("steps", { n: 1 });
  const asleep = await stage.until(id, "sleeping");
  expect(asleep.steps.map(({ name, status }) => `${name} ${status}`).sort()).toEqual([
    "a completed",
    "both[0] completed",
    "both[1] completed",
    "d completed",
    "e completed",
    "nap sleeping",
  ]);
  await stage.moveClock("1 hour");
  expect((await stage.until(id, "completed")).output).toEqual({
    a: 1,
    b: 2,
    c: { at: "1970-01-01T00:00:00.000Z" },
    d: 3,
    e: "e",
    last: "end",
    attempt: 1,
    isRun: true,
  });
  expect(["did a", "said a 1", "said woken", "did last"].map((line) => times(line))).toEqual([1, 1, 1, 1]);
});

test("a run waits for an event, a signal, a person, and no longer than it wants to", async () => {
  const { rotor } = stage;
  const id = await stage.trigger("waits", { user: "u1" });
  await stage.until(id, "waiting");
  await rotor.send("replied", { user: "u2", text: "not yours" });
  await rotor.send("replied", { user: "u1", text: "hello" });
  const waitsFor = (name: string) => stage.until(id, ({ steps }) => steps.at(-1)?.name === name);
  await waitsFor("kyc");
  await rotor.signals.complete(`kyc-${id}`, { ok: true });
  await waitsFor("gate");
  await rotor.runs.approve(id, { reason: "looks good" });
  await waitsFor("late");
  await stage.moveClock("1 hour");
  expect((await stage.until(id, "completed")).output).toEqual({
    reply: { user: "u1", text: "hello" },
    kyc: { ok: true },
    decision: expect.objectContaining({ approved: true, reason: "looks good" }),
    late: "too late",
  });
});

test("a run invokes others, and learns how each of them ended; an event tells of it", async () => {
  const id = await stage.trigger("parent");
  await stage.until(id, (run) =>
    run.steps.some(({ name, status }) => name === "slow" && status === "waiting"),
  );
  await stage.moveClock("1 hour");
  const { output } = await stage.until(id, "completed");
  const refused = expect.stringContaining("no workflow with that id can be invoked");
  expect(output).toMatchObject({
    good: { doubled: 42, runId: "run_" },
    bad: { error: "WorkflowFailedError", message: "NonRetriableError: the child gave up", runId: true },
    none: { error: "WorkflowFailedError", message: refused },
    cron: { error: "WorkflowFailedError", message: refused },
    slow: { error: "WorkflowTimeoutError", runId: true },
  });
  const told = await vi.waitFor(async () => {
    const { data } = await stage.rotor.runs.list({ workflow: "told" });
    expect(data).toHaveLength(1);
    return data[0]?.id as string;
  });
  expect((await stage.until(told, "completed")).output).toMatchObject({
    slow: { error: "WorkflowTimeoutError" },
  });
});

test("hooks are told of the end, once, and change nothing about it", async () => {
  const fine = await stage.trigger("hooked", { end: "well" });
  const failing = await stage.trigger("hooked", { end: "fail" });
  const cancelled = await stage.trigger("hooked", { end: "cancel" });
  const succeeded = await stage.until(fine, ({ hookErrors }) => hookErrors.length > 0);
  expect(succeeded).toMatchObject({ status: "completed", output: "fine" });
  expect(JSON.stringify(succeeded.hookErrors)).toContain("the hook is broken");
  await stage.until(failing, ({ attempt, status }) => attempt === 2 && status === "sleeping");
  expect(app.said.filter((line) => line.startsWith("did onFailure"))).toEqual([]);
  await stage.moveClock("1 minute");
  await stage.until(failing, "failed");
  await stage.until(cancelled, "sleeping");
  await stage.rotor.send("rotor/cancel.run", { runId: cancelled });
  await vi.waitFor(() => expect(times(`did onCancel ${cancelled}`)).toBe(1), { timeout: 15_000 });
  await vi.waitFor(() => expect(times("did onFailure true not today 2")).toBe(1), { timeout: 15_000 });
  expect(times('did onSuccess hooked "fine" well')).toBe(1);
});

test.each([
  ["text", "failed", "Something that is no Error was thrown: just text"],
  [
    "bigint",
    "failed",
    'Step "bigint" returned a value that cannot be stored as JSON: it holds a BigInt in "big"',
  ],
  ["cycle", "failed", 'Step "cycle" returned a value that cannot be stored as JSON: it refers to itself'],
  ["large", "failed", 'Step "large" returned 5.0 MB; at most 4 MB are kept'],
  ["slow", "failed", 'Step "slow" took longer than 3 seconds'],
  ["nested", "failed", 'Step "inner" is called inside of step "outer"'],
  ["outside", "failed", "Something that is no Error was thrown: thrown outside of steps"],
  ["nothing", "completed", null],
  ["almost", "completed", 4 * 1024 * 1024 - 10],
  ["zero", "completed", "a\u0000b\ud800"],
])("a function with %s in it: %s, and it says why", async (what, status, said) => {
  const run = await stage.until(
    await stage.trigger("oddities", { what }),
    ({ ended_at }) => ended_at !== null,
  );
  expect(run.status).toBe(status);
  if (status === "completed") expect(run.output).toEqual(said);
  else expect(JSON.stringify(run.error)).toContain(JSON.stringify(said).slice(1, -1));
});

test("the same step id in a loop is a step of its own each time, across drives", async () => {
  const id = await stage.trigger("oddities", { what: "loop" });
  await stage.until(id, "sleeping");
  await stage.moveClock("1 hour");
  expect((await stage.until(id, "completed")).output).toEqual([0, 1, 2, 3, 4]);
});

test("large results travel both ways", async () => {
  const id = await stage.trigger("many", { steps: 3 });
  await stage.until(id, "sleeping");
  await stage.moveClock("1 second");
  const size = 3 * 1024 * 1024;
  expect((await stage.until(id, "completed")).output).toEqual({ sizes: [size, size, size], steps: 3 });
});

test.each(["removed", "added", "reordered", "renamed", "kind"])(
  "code that changed while a run slept: a step %s",
  async (name) => {
    const first = await stage.startApp(program, ["node", `-${name}`, "first"]);
    const id = await stage.trigger(`changing-${name}`);
    await stage.until(id, "sleeping");
    await first.stop();
    const { port } = new URL(first.serveUrl);
    const second = await stage.startApp(program, ["node", `-${name}`, name, port]);
    await stage.moveClock("1 hour");
    if (name === "renamed") {
      await stage.until(id, ({ steps }) => steps.some((step) => step.name === "pause"));
      await stage.moveClock("2 hours");
    }
    const run = await stage.until(id, ({ ended_at }) => ended_at !== null);
    const outputs: Record<string, unknown> = {
      removed: { a: "a" },
      added: { a: "a", between: "new", b: "b" },
      reordered: { a: "a", b: "b" },
      renamed: { a: "a", b: "c" },
      kind: { a: "a", b: null },
    };
    expect(run).toMatchObject({ status: "completed", output: outputs[name] });
    expect(second.said.filter((line) => line.endsWith("again"))).toEqual([]);
    const unasked = { removed: ["b"], renamed: ["b", "nap"], kind: ["b"] }[name] ?? [];
    expect([...run.unasked_steps].sort()).toEqual(unasked);
  },
);

test.each(["hono", "express", "route"])("an app served through %s", async (adapter) => {
  const other = await stage.startApp(program, [adapter, `-${adapter}`]);
  const id = await stage.trigger(`steps-${adapter}`, { n: 1 });
  await stage.until(id, "sleeping");
  await stage.moveClock("1 hour");
  await stage.until(id, "completed");
  expect(times("did a", other.said)).toBe(1);
});

test.each([
  ["whose signing key is another", "node", "-key", { ROTOR_SIGNING_KEY: "another key of this app" }, "401"],
  [
    "whose body parser came first",
    "express after json",
    "-parsed",
    {},
    "call serveWorkflow before express.json()",
  ],
])("an app %s is told, and so is who looks at the run", async (_, adapter, suffix, env, said) => {
  await stage.startApp(program, [adapter, suffix], env);
  const id = await stage.trigger(`steps${suffix}`, { n: 1 });
  const run = await stage.until(id, ({ error }) => error !== null);
  expect(JSON.stringify(run.error)).toContain(said);
  expect(JSON.stringify(run.error)).toContain("DriveError");
  await stage.rotor.runs.cancel(id);
});
