// I-3 and E-1: what becomes of work that fails halfway, by a bug of ours or by the database.

import type { OperationTree } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import type { Context, Handlers, Services } from "./handler.ts";
import { createPerform, listHandlers } from "./perform.ts";
import { openServices } from "./services.ts";
import { codeOf, startTestEngine, type TestEngine, testOptions } from "./testing/index.ts";

let rotor: TestEngine;
let services: Services;

beforeAll(async () => {
  rotor = await startTestEngine();
  services = await openServices(testOptions(rotor.url));
});

afterAll(async () => {
  await services.databases.close();
  await rotor.stop();
});

const eventsAbout = async (resource: string) =>
  (await rotor.sql`select count(*)::int as found from audit_event where resource_id = ${resource}`)[0]?.found;

/** An operation that writes, and then fails as it is told. */
const faulty = {
  queues: {
    fail: {
      route: "POST /v1/faulty",
      summary: "Fails.",
      tools: {},
      impact: "write",
      idempotent: false,
      needs: "develop",
      audit: "faulty.done",
      input: z.strictObject({ name: z.string() }),
      output: z.object({ done: z.boolean() }),
      errors: [],
    },
  },
} satisfies OperationTree;

function performFaulty(fail: (context: Context, run: number) => Promise<void>) {
  let runs = 0;
  const handlers: Handlers<typeof faulty> = {
    queues: {
      async fail({ name }, context) {
        runs++;
        await context.db.execute(`insert into usage values ('${rotor.home.id}', '2000-01-01', '${name}', 1)`);
        context.record({ resource: name });
        await fail(context, runs);
        return { done: true };
      },
    },
  };
  const act = createPerform(services, listHandlers(faulty, handlers));
  return {
    runs: () => runs,
    act: (name: string) =>
      codeOf(act(rotor.home.admin, faulty.queues.fail, { name }, { idempotencyKey: `faulty ${name}` })),
    kept: async (name: string) =>
      (await rotor.sql`select count(*)::int as kept from usage where queue_name = ${name}`)[0]
        ?.kept as number,
  };
}

test("I-3: our own failure is the answer to a repetition too, and nothing of it is kept", async () => {
  const { act, runs, kept } = performFaulty(async () => {
    throw new Error("a bug");
  });
  expect([await act("bug"), await act("bug")]).toEqual(["INTERNAL", "INTERNAL"]);
  expect([runs(), await kept("bug"), await eventsAbout("bug")]).toEqual([1, 0, 0]);
});

test("a statement that fails undoes the work, also when the handler did not notice", async () => {
  const { act, kept } = performFaulty(async ({ db }) => {
    await db.execute("select 1/0").catch(() => {});
  });
  expect(await act("unnoticed")).toBe("INTERNAL");
  expect([await kept("unnoticed"), await eventsAbout("unnoticed")]).toEqual([0, 0]);
});

test("a failure that may pass is not kept: the same request later is done", async () => {
  const { act, runs, kept } = performFaulty(async (_, run) => {
    if (run === 1) throw Object.assign(new Error("too many connections"), { code: "53300" });
  });
  expect([await act("passing"), await act("passing"), await act("passing")]).toEqual([
    "UNAVAILABLE",
    "ok",
    "ok",
  ]);
  expect([runs(), await kept("passing"), await eventsAbout("passing")]).toEqual([2, 1, 1]);
});
