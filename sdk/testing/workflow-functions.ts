// The workflows that tests serve. They print what they execute, so that a test sees what ran, and how often.

import {
  type Context,
  createFunction,
  NonRetriableError,
  RetryAfterError,
  SignalTimeoutError,
} from "../index.ts";

const did = (what: string) => console.log(`did ${what}`);

/** The suffix lets several apps serve one each. */
export const steps = (suffix = "") =>
  createFunction(
    { id: `steps${suffix}`, trigger: { event: `steps${suffix}.wanted` }, retries: 1 },
    async ({ event, step, runId, attempt, logger }: Context<{ n: number }>) => {
      const a = await step.run("a", () => {
        did("a");
        return event.data.n;
      });
      logger.info(`said a ${a}`);
      const [b, c] = await step.parallel("both", [
        async () => a + 1,
        () => ({ at: new Date(0), none: undefined }),
      ]);
      const [d, e] = await Promise.all([step.run("d", () => b + 1), step.run("e", () => "e")]);
      await step.sleep("nap", "1h");
      logger.info("said woken");
      await step.sleepUntil("until", Date.now() - 1000);
      const last = await step.run("last", () => did("last") ?? "end");
      return { a, b, c, d, e, last, attempt, isRun: runId.startsWith("run_") };
    },
  );

const waits = createFunction(
  { id: "waits", trigger: { event: "waits.wanted" } },
  async ({ event, step, runId }) => {
    const reply = await step.waitForEvent<{ text: string }>("reply", {
      event: "replied",
      match: `data.user == "${event.data.user}"`,
      timeout: "1d",
    });
    const kyc = await step.waitForSignal<{ ok: boolean }>("kyc", { signal: `kyc-${runId}`, timeout: "1d" });
    const decision = await step.waitForApproval("gate", { timeout: "1d", prompt: "Go on?" });
    const late = await step
      .waitForSignal("late", { signal: `late-${runId}`, timeout: "1h" })
      .catch((error: unknown) => (error instanceof SignalTimeoutError ? "too late" : Promise.reject(error)));
    return { reply, kyc, decision, late };
  },
);

const child = createFunction(
  { id: "child", trigger: { event: "child.wanted" }, retries: 0 },
  async ({ event, step }) => {
    if (event.data.fail) throw new NonRetriableError("the child gave up");
    if (event.data.sleep) await step.sleep("nap", "10h");
    return { doubled: (event.data.n ?? 0) * 2 };
  },
);

const parent = createFunction({ id: "parent", trigger: { event: "parent.wanted" } }, async ({ step }) => {
  const invoke = (id: string, workflow: { id: string }, data: object) =>
    step.invoke<{ doubled: number }>(id, { workflow, data, timeout: "1h" }).then(
      ({ result, runId }) => ({ ...result, runId: runId.slice(0, 4) }),
      (error: Error) => ({ error: error.name, message: error.message, runId: "runId" in error }),
    );
  const [good, bad, none, cron] = await Promise.all([
    invoke("good", child, { n: 21 }),
    invoke("bad", child, { fail: true }),
    invoke("none", { id: "nobody" }, {}),
    invoke("cron", { id: "nightly" }, {}),
  ]);
  const slow = await invoke("slow", child, { sleep: true });
  await step.sendEvent("tell", { name: "told", data: { slow } });
  return { good, bad, none, cron, slow };
});

const told = createFunction({ id: "told", trigger: { event: "told" } }, async ({ event }) => event.data);

const nightly = createFunction(
  { id: "nightly", trigger: { cron: "0 2 * * *", timezone: "UTC" } },
  async () => null,
);

const hooked = createFunction(
  {
    id: "hooked",
    trigger: { event: "hooked.wanted" },
    retries: 1,
    onSuccess: ({ ctx, result, event }) => {
      did(`onSuccess ${ctx.functionId} ${JSON.stringify(result)} ${event.data?.end}`);
      throw new Error("the hook is broken");
    },
    onFailure: ({ error, ctx }) => did(`onFailure ${error instanceof Error} ${error.message} ${ctx.attempt}`),
    onCancel: ({ ctx }) => did(`onCancel ${ctx.runId}`),
  },
  async ({ event, step }) => {
    if (event.data.end === "fail") throw new RetryAfterError("not today", 60_000);
    if (event.data.end === "cancel") await step.sleep("nap", "1d");
    return "fine";
  },
);

/** What may go wrong in code, by the name of what goes wrong. */
const odd: Record<string, () => unknown> = {
  text: () => {
    throw "just text";
  },
  nothing: () => undefined,
  bigint: () => ({ big: 1n }),
  cycle: () => {
    const self: Record<string, unknown> = {};
    self.self = self;
    return self;
  },
  large: () => "x".repeat(5 * 1024 * 1024),
  almost: () => "x".repeat(4 * 1024 * 1024 - 10),
  zero: () => "a\u0000b\ud800",
  slow: () => new Promise(() => {}),
};

const oddities = createFunction(
  { id: "oddities", trigger: { event: "odd" }, retries: 0 },
  async ({ event, step }) => {
    const what = event.data.what as string;
    if (what === "nested") return step.run("outer", () => step.run("inner", () => 1));
    if (what === "loop") {
      const all: number[] = [];
      for (let n = 0; n < 5; n++) {
        all.push(await step.run("same", () => n));
        if (n === 2) await step.sleep("same nap", "1h");
      }
      return all;
    }
    if (what === "outside") throw "thrown outside of steps";
    if (what === "stuck") await new Promise(() => {});
    const result = (await step.run(what, odd[what] as () => unknown)) as string;
    return typeof result === "string" && result.length > 100 ? result.length : result;
  },
);

const many = createFunction({ id: "many", trigger: { event: "many" } }, async ({ event, step }) => {
  // Several of the largest results at the same time, and then a long history.
  const sizes = await Promise.all(
    [1, 2, 3].map((n) =>
      step.run(`large-${n}`, () => "x".repeat(3 * 1024 * 1024)).then((text) => text.length),
    ),
  );
  await step.sleep("nap", "1s");
  return { sizes, steps: event.data.steps };
});

/** The same workflow in two editions, as after a deployment. */
const editions: Record<string, Parameters<typeof createFunction>[1]> = {
  first: async ({ step }) => {
    const a = await step.run("a", () => did("a") ?? "a");
    const b = await step.run("b", () => did("b") ?? "b");
    await step.sleep("nap", "1h");
    return { a, b };
  },
  removed: async ({ step }) => {
    const a = await step.run("a", () => did("a again"));
    await step.sleep("nap", "1h");
    return { a };
  },
  added: async ({ step }) => {
    const a = await step.run("a", () => did("a again"));
    const between = await step.run("between", () => did("between") ?? "new");
    const b = await step.run("b", () => did("b again"));
    await step.sleep("nap", "1h");
    return { a, between, b };
  },
  reordered: async ({ step }) => {
    await step.sleep("nap", "1h");
    const b = await step.run("b", () => did("b again"));
    const a = await step.run("a", () => did("a again"));
    return { a, b };
  },
  renamed: async ({ step }) => {
    const a = await step.run("a", () => did("a again"));
    const b = await step.run("c", () => did("c") ?? "c");
    await step.sleep("pause", "2h");
    return { a, b };
  },
  kind: async ({ step }) => {
    const a = await step.run("a", () => did("a again"));
    const b = await step.run("nap", () => did("nap")).catch((error: Error) => error.message);
    return { a, b };
  },
};

export const edition = (name: string, suffix: string) =>
  createFunction(
    { id: `changing${suffix}`, trigger: { event: "changing" }, retries: 0 },
    editions[name] as Parameters<typeof createFunction>[1],
  );

export const functions = [steps(), waits, child, parent, told, nightly, hooked, oddities, many];
