// Who is known from an earlier request is believed no longer than it holds: whatever was changed, by whatever process,
// counts for the next statement (T-5).

import { contract } from "@rotorsh/contract";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Caller } from "./caller.ts";
import { provenance } from "./testing/builders.ts";
import { call, codeOf, startTestEngine, type TestEngine, type TestWorkspace } from "./testing/index.ts";

let rotor: TestEngine;
let home: TestWorkspace;
let token: string;

beforeAll(async () => {
  rotor = await startTestEngine();
});

afterAll(() => rotor.stop());

beforeEach(async () => {
  home = await rotor.createWorkspace();
  await call(rotor.engine, home.admin, contract.queues.create, { name: "q" });
  const workflow = { id: "w", serve_url: "http://127.0.0.1:4999/", trigger_event: "happened" };
  await call(rotor.engine, home.admin, contract.functions.register, workflow);
  token = await home.tokenFor();
});

const ask = () => rotor.engine.authenticate({ token }, provenance, { mayBeKnown: true });

/** Found by one request, known to the next. */
async function known(): Promise<Caller> {
  await ask();
  const caller = await ask();
  expect(caller.known).not.toBeNull();
  return caller;
}

const revoke = () => rotor.sql`update api_key set revoked_at = rotor_now() where role = 'developer'`;

async function stored(): Promise<number> {
  const [row] = await rotor.sql`
    select (select count(*) from job where workspace_id = ${home.id}) + (select count(*) from run where workspace_id = ${home.id})
      + (select count(*) from event where workspace_id = ${home.id}) + (select count(*) from queue where workspace_id = ${home.id}) as n`;
  return Number(row?.n);
}

const works: Record<string, (caller: Caller) => Promise<unknown>> = {
  "a read": (caller) => call(rotor.engine, caller, contract.queues.list, {}),
  "a change": (caller) => call(rotor.engine, caller, contract.queues.create, { name: "new" }),
  "a change with a key": (caller) =>
    call(rotor.engine, caller, contract.queues.create, { name: "new" }, "k1"),
  "a job": (caller) => call(rotor.engine, caller, contract.jobs.enqueue, { name: "q", payload: 1 }),
  "a job for no queue": (caller) => call(rotor.engine, caller, contract.jobs.enqueue, { name: "none" }),
  "a batch": (caller) =>
    call(rotor.engine, caller, contract.jobs.addBatch, { name: "q", jobs: [{ payload: 1 }] }),
  "a strict batch": (caller) =>
    call(rotor.engine, caller, contract.jobs.addBatch, {
      name: "q",
      jobs: [{ payload: 1, jobId: "j", strict: true }],
    }),
  "an event": (caller) => call(rotor.engine, caller, contract.events.send, { name: "happened" }),
  "an event that somebody must look at": (caller) =>
    call(rotor.engine, caller, contract.events.send, { name: "happened", ts: Date.now() + 60_000 }),
  "a run": (caller) => call(rotor.engine, caller, contract.functions.trigger, { id: "w" }),
  "an awaited run": (caller) =>
    call(rotor.engine, caller, contract.functions.invoke, { id: "w", wait_seconds: 0 }),
  "a look at numbers": (caller) => call(rotor.engine, caller, contract.queues.stats, { name: "q" }),
  "a claim": (caller) => call(rotor.engine, caller, contract.jobs.claim, { name: "q" }),
  "a mistake": (caller) => call(rotor.engine, caller, contract.queues.create, { name: "not a name!" }),
};

describe("a revoked key", () => {
  test.each(Object.keys(works))("gets nothing done: %s", async (name) => {
    const caller = await known();
    await revoke();
    const before = await stored();
    expect(await codeOf(works[name]?.(caller) as Promise<unknown>)).toBe("UNAUTHENTICATED");
    expect(await stored()).toBe(before);
    expect(await codeOf(ask().then((again) => works["a read"]?.(again)))).toBe("UNAUTHENTICATED");
  });

  test.each(Object.keys(works))("was good for the same before: %s", async (name) => {
    expect(await codeOf(works[name]?.(await known()) as Promise<unknown>)).not.toBe("UNAUTHENTICATED");
  });

  test("fails alone among requests that share a statement", async () => {
    const other = await home.tokenFor({ role: "admin" });
    const revoked = await known();
    await revoke();
    const neighbour = await rotor.engine.authenticate({ token: other }, provenance, { mayBeKnown: true });
    const later = await rotor.engine.authenticate({ token: other }, provenance, { mayBeKnown: true });
    const callers = [revoked, neighbour, later, revoked];
    const codes = await Promise.all(
      callers.map((caller) => codeOf(works["a job"]?.(caller) as Promise<unknown>)),
    );
    expect(codes).toEqual(["UNAUTHENTICATED", "ok", "ok", "UNAUTHENTICATED"]);
    const runs = await Promise.all(
      callers.map((caller) => codeOf(works["an event"]?.(caller) as Promise<unknown>)),
    );
    expect(runs).toEqual(["UNAUTHENTICATED", "ok", "ok", "UNAUTHENTICATED"]);
  });
});

test("a right that was taken counts at once, and so does one that was given", async () => {
  const caller = await known();
  await rotor.sql`update member set role = 'viewer' where id = ${caller.memberId}`;
  expect(await codeOf(works["a change"]?.(caller) as Promise<unknown>)).toBe("FORBIDDEN");
  const viewer = await known();
  await rotor.sql`update member set role = 'developer' where id = ${caller.memberId}`;
  expect(await codeOf(works["a change"]?.(viewer) as Promise<unknown>)).toBe("ok");
});

test("a workspace that was suspended, or is another plan's now, is so for the next request", async () => {
  const caller = await known();
  await rotor.sql`update workspace set executions_per_month = 0 where id = ${home.id}`;
  expect(await codeOf(works["a job"]?.(caller) as Promise<unknown>)).toBe("QUOTA_EXCEEDED");
  const again = await known();
  await rotor.sql`update workspace set suspended_at = rotor_now() where id = ${home.id}`;
  expect(await codeOf(works["a read"]?.(again) as Promise<unknown>)).toBe("WORKSPACE_SUSPENDED");
});

test("a key is known no longer than it lives", async () => {
  token = await home.tokenFor({ expiresAt: new Date(Date.now() + 3600_000) });
  const caller = await known();
  await rotor.moveClock("2 hours");
  expect(await codeOf(works["a job"]?.(caller) as Promise<unknown>)).toBe("UNAUTHENTICATED");
  token = await home.tokenFor({ expiresAt: new Date(Date.now() + 2 * 3600_000 + 1500) });
  await ask();
  // Too near its end to be kept.
  expect((await ask()).known).toBeNull();
  await rotor.moveClock("-2 hours");
});

test("nothing that says nothing of rights makes anybody be looked up again", async () => {
  const caller = await known();
  await rotor.sql`update api_key set last_used_at = rotor_now() where id = ${caller.actorId}`;
  await works["a job"]?.(caller);
  await home.tokenFor();
  expect((await ask()).known?.access).toBe(caller.known?.access);
});

test("each request counts once against the minute, also where the caller is looked up again", async () => {
  await rotor.sql`update workspace set requests_per_minute = 6 where id = ${home.id}`;
  await ask();
  const remaining: (number | undefined)[] = [];
  for (const name of ["a look at numbers", "a job for no queue", "a mistake", "a job"]) {
    const caller = await ask();
    await codeOf(works[name]?.(caller) as Promise<unknown>);
    remaining.push(caller.rate?.remaining);
  }
  expect(remaining).toEqual([4, 3, 2, 1]);
});
