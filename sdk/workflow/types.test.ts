// What authors are promised by the compiler. `npm run check` holds these lines to it; running them proves little.

import { expectTypeOf, test } from "vitest";
import { type Context, createFunction, Rotor, workflow } from "../index.ts";

type Events = { "user.created": { userId: string }; "order/placed": { total: number } };
const rotor = new Rotor<Events>({ apiKey: "rt_ws_x" });

test("an event's data has the shape that was declared for its name", () => {
  rotor.createFunction({ id: "typed", trigger: { event: "user.created" } }, async ({ event }) => {
    expectTypeOf(event.data).toEqualTypeOf<{ userId: string }>();
  });
  rotor.createFunction({ id: "cron", trigger: { cron: "0 9 * * *", timezone: "UTC" } }, async ({ event }) => {
    expectTypeOf(event.data).toEqualTypeOf<Record<string, never>>();
  });
  createFunction({ id: "loose", trigger: { event: "anything" } }, async ({ event }) => {
    expectTypeOf(event.data).toBeAny();
  });
  workflow({
    id: "as-object",
    trigger: { event: "anything" },
    onFailure: ({ error, ctx }) => {
      expectTypeOf(error).toEqualTypeOf<Error>();
      expectTypeOf(ctx.attempt).toEqualTypeOf<number>();
    },
    steps: async ({ event }) => event.data.anything,
  });
});

test("only declared events are sent, with their data", () => {
  const send = () => {
    void rotor.send("order/placed", { total: 1 }, { ts: 1, id: "evt", idempotencyKey: "key" });
    void rotor.send("rotor/cancel.run", { runId: "run_1" });
    void new Rotor().send("anything", { at: "all" });
    // @ts-expect-error nobody declared it
    void rotor.send("order/lost", { total: 1 });
    // @ts-expect-error its data has another shape
    void rotor.send("order/placed", { userId: "u" });
  };
  expectTypeOf(send).toBeFunction();
});

test("what waits has a timeout, and results are as they are stored", () => {
  const body = async ({ step }: Context) => {
    // @ts-expect-error a timeout is required
    void step.invoke("child", { workflow: { id: "child" }, data: {} });
    // @ts-expect-error a timeout is required
    void step.waitForEvent("reply", { event: "replied" });
    // @ts-expect-error a timeout is required
    void step.waitForSignal("gate", { signal: "gate-1" });
    // @ts-expect-error milliseconds since 1970
    void step.sendEvent("later", { name: "later", data: {}, ts: new Date() });
    const stored = await step.run("made", () => ({ at: new Date(), none: undefined, n: 1, act() {} }));
    expectTypeOf(stored).toEqualTypeOf<{ at: string; none: undefined; n: number }>();
    const list = await step.run("list", async (): Promise<{ id: string; tags?: Date[] }[]> => []);
    expectTypeOf(list).toEqualTypeOf<{ id: string; tags?: string[] }[]>();
    expectTypeOf(await step.run("json", async () => JSON.parse("{}"))).toBeAny();
    const [a, b] = await step.parallel("both", [async () => 1, () => "two"]);
    expectTypeOf(a).toEqualTypeOf<number>();
    expectTypeOf(b).toEqualTypeOf<string>();
    const { result, runId } = await step.invoke<{ score: number }>("child", {
      workflow: { id: "child" },
      data: {},
      timeout: "5m",
    });
    expectTypeOf(result.score).toEqualTypeOf<number>();
    expectTypeOf(runId).toEqualTypeOf<string>();
    const reply = await step.waitForEvent<{ text: string }>("reply", { event: "replied", timeout: "1d" });
    expectTypeOf(reply).toEqualTypeOf<{ text: string } | null>();
    const { approved, reason } = await step.waitForApproval("gate", { timeout: "1d" });
    expectTypeOf(approved).toEqualTypeOf<boolean>();
    expectTypeOf(reason).toEqualTypeOf<string | undefined>();
  };
  expectTypeOf(body).toBeFunction();
});
