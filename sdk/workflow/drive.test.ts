import type { DriveRequest, Memo, StepRecord } from "@rotorsh/contract";
import { expect, test, vi } from "vitest";
import { createFunction } from "./define.ts";
import { drive } from "./drive.ts";
import { NonRetriableError, RetryAfterError } from "./errors.ts";
import { stepKey } from "./step-key.ts";
import type { Handler } from "./types.ts";

const request = (change: Partial<DriveRequest> = {}): DriveRequest => ({
  v: 1,
  run: { id: "run_1", workflow: "test", attempt: 1 },
  event: { id: "evt_1", name: "test", data: { n: 1 }, ts: 0 },
  steps: {},
  attempts: {},
  checkpoint: { url: "http://127.0.0.1/", token: "t" },
  budgetMs: 10_000,
  ...change,
});

function build(handler: Handler<never, unknown>, retries = 1) {
  return createFunction({ id: "test", trigger: { event: "test" }, retries }, handler as never);
}

/** Drives with a server that keeps everything, or refuses from the n-th message on. */
function run(
  handler: Handler<never, unknown>,
  change: Partial<DriveRequest> = {},
  refuseFrom = Number.POSITIVE_INFINITY,
) {
  const sent: StepRecord[][] = [];
  const checkpoint = async (steps: readonly StepRecord[]) => {
    sent.push([...steps]);
    return sent.length < refuseFrom ? ("kept" as const) : ("lost" as const);
  };
  const result = drive(build(handler), request(change), { checkpoint });
  return result.then((ended) => ({ ended, sent }));
}

const memo = (id: string, outcome: Memo, occurrence = 0) => ({ [stepKey(id, occurrence)]: outcome });

test("steps run in order, each stored before the next begins, the last one riding on the answer", async () => {
  const { ended, sent } = await run(async ({ step }) => {
    const a = await step.run("a", () => 1);
    const b = await step.run("b", () => (a as number) + 1);
    return { b };
  });
  expect(sent.map((steps) => steps.map(({ name }) => name))).toEqual([["a"]]);
  expect(ended).toMatchObject({
    state: "completed",
    output: { b: 2 },
    steps: [{ name: "b", outcome: { ok: 2 } }],
  });
});

test("a known step is answered without being executed", async () => {
  let executed = 0;
  const { ended } = await run(
    async ({ step }) =>
      step.run("a", () => {
        executed++;
        return "new";
      }),
    { steps: memo("a", { ok: "stored" }) },
  );
  expect(executed).toBe(0);
  expect(ended).toMatchObject({ state: "completed", output: "stored", steps: [] });
});

test("the same id in a loop is a new step each time", async () => {
  const { ended } = await run(
    async ({ step }) => {
      const all: unknown[] = [];
      for (let i = 0; i < 3; i++) all.push(await step.run("loop", () => i));
      return all;
    },
    { steps: { ...memo("loop", { ok: "first" }), ...memo("loop", { ok: "second" }, 1) } },
  );
  expect(ended).toMatchObject({ output: ["first", "second", 2] });
});

test("a sleep ends the drive, and what runs beside it is finished first", async () => {
  const { ended } = await run(async ({ step }) => {
    await Promise.all([step.sleep("nap", "1h"), step.run("work", async () => "done")]);
  });
  expect(ended).toMatchObject({
    state: "waiting",
    waits: [{ kind: "sleep", name: "nap", forMs: 3_600_000 }],
    steps: [{ name: "work" }],
  });
});

test("a failing step waits for its retry; the other branch goes on", async () => {
  const { ended } = await run(async ({ step }) => {
    await Promise.all([
      step.run("bad", () => {
        throw new RetryAfterError("later", 5000);
      }),
      step.run("good", () => 1).then(() => step.run("better", () => 2)),
    ]);
  });
  expect(ended).toMatchObject({
    state: "waiting",
    waits: [{ kind: "retry", name: "bad", attempt: 1, afterMs: 5000 }],
  });
  expect(ended.asked).toHaveLength(3);
});

test("a step that is out of attempts throws a StepError that the code may catch", async () => {
  const { ended } = await run(
    async ({ step }) => {
      try {
        await step.run("bad", () => {
          throw new Error("broken");
        });
      } catch (error) {
        return (error as Error).name;
      }
      return "unreachable";
    },
    { attempts: { [stepKey("bad", 0)]: 1 } },
  );
  expect(ended).toMatchObject({
    state: "completed",
    output: "StepError",
    steps: [{ outcome: { error: { message: "broken" } } }],
  });
});

test("a NonRetriableError ends a step at its first attempt, and an uncaught step error ends the run", async () => {
  const { ended } = await run(async ({ step }) => {
    await step.run("bad", () => {
      throw new NonRetriableError("no use");
    });
  });
  expect(ended).toMatchObject({
    state: "failed",
    retryable: false,
    error: { name: "StepError", message: "no use" },
  });
});

test("a refused checkpoint stops the function: no later step is executed", async () => {
  const executed: string[] = [];
  const { ended } = await run(
    async ({ step }) => {
      for (const id of ["a", "b", "c"]) await step.run(id, () => executed.push(id));
    },
    {},
    1,
  );
  expect(executed).toEqual(["a"]);
  expect(ended.state).toBe("stopped");
});

test("without a way to check in, a drive ends with each new step", async () => {
  const handler: Handler<never, unknown> = async ({ step }) => {
    await step.run("a", () => 1);
    await step.run("b", () => 2);
    return "end";
  };
  const first = await drive(build(handler), request({ checkpoint: null }), { checkpoint: null });
  expect(first).toMatchObject({ state: "yielded", steps: [{ name: "a" }] });
  const steps = { ...memo("a", { ok: 1 }), ...memo("b", { ok: 2 }) };
  const last = await drive(build(handler), request({ checkpoint: null, steps }), { checkpoint: null });
  expect(last).toMatchObject({ state: "completed", output: "end" });
});

test.each([
  ["a BigInt", () => ({ n: 1n }), /BigInt/],
  [
    "itself",
    () => {
      const loop: Record<string, unknown> = {};
      loop.loop = loop;
      return loop;
    },
    /refers to itself/,
  ],
  ["more than 4 MB", () => "x".repeat(5 * 1024 * 1024), /at most 4 MB/],
])("a step that returns %s is refused by name", async (_what, value, message) => {
  const { ended } = await run(async ({ step }) => step.run("odd", value as () => unknown));
  expect(ended).toMatchObject({
    state: "failed",
    retryable: false,
    error: { message: expect.stringMatching(message) },
  });
});

test("a value is the same the first time and at every replay", async () => {
  const { ended } = await run(async ({ step }) => {
    const made = await step.run("made", () => ({ at: new Date(0), none: undefined }));
    return [made, await step.run("nothing", () => undefined)];
  });
  expect(ended).toMatchObject({ output: [{ at: "1970-01-01T00:00:00.000Z" }, null] });
});

test("a thrown string is an error with words", async () => {
  const { ended } = await run(async () => {
    throw "just text";
  });
  expect(ended).toMatchObject({
    state: "failed",
    retryable: true,
    error: { message: expect.stringContaining("just text") },
  });
});

test("a drive ends although its last message was still under way when the code began to wait", async () => {
  const sent: StepRecord[][] = [];
  let answer = () => {};
  const checkpoint = async (steps: readonly StepRecord[]) => {
    sent.push([...steps]);
    await new Promise<void>((resolve) => {
      answer = resolve;
    });
    return "kept" as const;
  };
  const fn = build(async ({ step }) => {
    await step.run("work", () => 1);
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    const nap = step.sleep("nap", "1h");
    setTimeout(() => answer(), 20);
    await nap;
  });
  expect(await drive(fn, request(), { checkpoint })).toMatchObject({ state: "waiting", steps: [] });
});

test("a drive ends although known steps were asked for after the one that is waited for", async () => {
  const { ended } = await run(
    async ({ step }) => {
      await Promise.all([step.sleep("nap", "1h"), step.run("known", () => 1), step.run("too", () => 1)]);
    },
    { steps: { ...memo("known", { ok: 1 }), ...memo("too", { ok: 1 }) } },
  );
  expect(ended).toMatchObject({ state: "waiting", waits: [{ name: "nap" }] });
});

test("a failed step that is not due is not executed, and kept; others go on", async () => {
  let executed = 0;
  const { ended } = await run(
    async ({ step }) => Promise.all([step.run("early", () => executed++), step.run("beside", () => 1)]),
    { attempts: { [stepKey("early", 0)]: 1 }, later: [stepKey("early", 0)] },
  );
  expect(executed).toBe(0);
  expect(ended).toMatchObject({
    state: "waiting",
    waits: [{ key: stepKey("early", 0), name: "early", kind: "later" }],
    steps: [{ name: "beside" }],
  });
});

test("a drive that has to yield tells which steps are to be tried again, and when", async () => {
  const handler: Handler<never, unknown> = async ({ step }) =>
    Promise.all([
      step.run("busy", () => {
        throw new RetryAfterError("not now", 5000);
      }),
      step.run("a", () => 1).then(() => step.run("b", () => 2)),
    ]);
  const ended = await drive(build(handler), request({ checkpoint: null }), { checkpoint: null });
  expect(ended).toMatchObject({
    state: "yielded",
    steps: [{ name: "a" }],
    retries: [{ kind: "retry", name: "busy", attempt: 1, afterMs: 5000 }],
  });
});
