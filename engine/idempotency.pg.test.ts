// I-1 to I-3: a write with an Idempotency-Key happens once, whatever comes twice.

import { contract, type RotorError } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Caller } from "./caller.ts";
import type { Services } from "./handler.ts";
import { Replayed } from "./kept-answers.ts";
import { openServices } from "./services.ts";
import { purgeAnswers } from "./store/idempotency.ts";
import { call, codeOf, startTestEngine, type TestEngine, testOptions } from "./testing/index.ts";

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

const { create, upsert, update } = contract.queues;
const perform = (caller: Caller, key: string, name: string, concurrency = 1) =>
  rotor.engine.perform(caller, create, { name, concurrency }, { idempotencyKey: key });

const queuesNamed = async (name: string) =>
  (await rotor.sql`select count(*)::int as found from queue where name = ${name}`)[0]?.found;

const eventsAbout = async (resource: string) =>
  (await rotor.sql`select count(*)::int as found from audit_event where resource_id = ${resource}`)[0]?.found;

test("I-1: fifty at once with one key have one effect; the others get that answer, or are told to wait", async () => {
  const peer = await rotor.startPeer();
  const answers = await Promise.all(
    Array.from({ length: 50 }, async (_, index) => {
      const engine = index % 2 ? peer : rotor.engine;
      const input = { name: "once", callback_url: "https://app.example.com/" };
      return engine
        .perform(rotor.home.admin, create, input, { idempotencyKey: "i-1" })
        .then(
          ({ status, body, replayed }) => ({ status, secret: body.callback_secret, replayed }),
          codeOfError,
        );
    }),
  );
  const done = answers.filter((answer) => typeof answer === "object");
  expect(done.filter(({ replayed }) => !replayed)).toHaveLength(1);
  expect(new Set(done.map(({ secret }) => secret)).size).toBe(1);
  expect(new Set(done.map(({ status }) => status))).toEqual(new Set([201]));
  expect(new Set(answers.filter((answer) => typeof answer === "string"))).toEqual(
    new Set(["IDEMPOTENCY_IN_PROGRESS"]),
  );
  expect([await queuesNamed("once"), await eventsAbout("once")]).toEqual([1, 1]);
  // Once the first one is through, everybody is answered.
  expect(await perform(rotor.home.admin, "other", "unrelated")).toMatchObject({ replayed: false });
});

const codeOfError = (error: RotorError) => error.code as string;

test("a repetition is answered with status and body of the first, and says that it is one", async () => {
  const first = await perform(rotor.home.admin, "again", "again", 4);
  await call(rotor.engine, rotor.home.admin, update, { name: "again", concurrency: 5 });
  const second = await perform(rotor.home.admin, "again", "again", 4);
  expect(second).toEqual({ ...first, replayed: true });
  expect(await eventsAbout("again")).toBe(2);
});

test("I-2: the same key for another body or another route is refused: IDEMPOTENCY_KEY_REUSED", async () => {
  await perform(rotor.home.admin, "i-2", "two");
  expect(await codeOf(perform(rotor.home.admin, "i-2", "two", 7))).toBe("IDEMPOTENCY_KEY_REUSED");
  const elsewhere = call(rotor.engine, rotor.home.admin, upsert, { name: "two" }, "i-2");
  expect(await codeOf(elsewhere)).toBe("IDEMPOTENCY_KEY_REUSED");
});

test("I-2: the same key in another workspace, or of another API key, is another key", async () => {
  const stranger = await rotor.createWorkspace();
  const colleague = await rotor.home.callerFor();
  await perform(rotor.home.admin, "shared", "shared-a");
  expect(await perform(stranger.admin, "shared", "shared-a")).toMatchObject({ replayed: false });
  expect(await perform(colleague, "shared", "shared-b")).toMatchObject({ replayed: false });
});

test("I-2: a team key may use one key text in two workspaces of its team", async () => {
  const token = await rotor.home.tokenFor({ tier: "team" });
  const second = await rotor.createWorkspace("unlimited", rotor.home.teamId);
  for (const workspaceId of [rotor.home.id, second.id]) {
    const caller = await rotor.engine.authenticate({ token, workspaceId }, rotor.home.admin.provenance);
    expect(await perform(caller, "of a team", "of-a-team")).toMatchObject({ replayed: false });
  }
});

test.each([
  ["", "INVALID_IDEMPOTENCY_KEY"],
  ["k".repeat(255), "ok"],
  ["k".repeat(256), "INVALID_IDEMPOTENCY_KEY"],
  ["line\nbreak", "INVALID_IDEMPOTENCY_KEY"],
  ["schlüssel", "INVALID_IDEMPOTENCY_KEY"],
])("I-2: the key %j is answered %s", async (key, code) => {
  expect(await codeOf(perform(rotor.home.admin, key, `key-${key.length}`))).toBe(code);
});

test("I-2: after 24 hours the key is new again, before that it is not", async () => {
  const first = await rotor.engine.perform(
    rotor.home.admin,
    upsert,
    { name: "day" },
    { idempotencyKey: "day" },
  );
  await rotor.moveClock("23 hours 59 minutes");
  const within = await rotor.engine.perform(
    rotor.home.admin,
    upsert,
    { name: "day" },
    { idempotencyKey: "day" },
  );
  expect(within).toEqual({ ...first, replayed: true });
  await rotor.moveClock("2 minutes");
  const after = await rotor.engine.perform(
    rotor.home.admin,
    upsert,
    { name: "day" },
    { idempotencyKey: "day" },
  );
  expect(after).toMatchObject({ replayed: false, status: 200, body: { created: false } });
});

test("I-3: a key whose first request was malformed is still unused", async () => {
  const malformed = rotor.engine.perform(rotor.home.admin, create, { name: "-" }, { idempotencyKey: "i-3" });
  expect(await codeOf(malformed)).toBe("INVALID_INPUT");
  expect(await perform(rotor.home.admin, "i-3", "i-3")).toMatchObject({ replayed: false });
});

test("I-3: a key whose first request was forbidden is still unused", async () => {
  const { id, memberId } = await buildDeveloper();
  const make = async () => {
    const caller = await rotor.engine.authenticate({ token: id }, rotor.home.admin.provenance);
    return codeOf(call(rotor.engine, caller, contract.apiKeys.create, { label: "x", role: "admin" }, "grow"));
  };
  expect(await make()).toBe("FORBIDDEN");
  await call(rotor.engine, rotor.home.admin, contract.members.update, { id: memberId, role: "admin" });
  expect(await make()).toBe("ok");
});

async function buildDeveloper(): Promise<{ id: string; memberId: string }> {
  const token = await rotor.home.tokenFor({ role: "admin", member: "developer" });
  const caller = await rotor.engine.authenticate({ token }, rotor.home.admin.provenance);
  return { id: token, memberId: caller.memberId as string };
}

test("a refusal by the handler is the answer to a repetition too, with its details and hint", async () => {
  await perform(rotor.home.admin, "taken-1", "taken");
  const errors = [];
  for (let round = 0; round < 2; round++) {
    errors.push(await perform(rotor.home.admin, "taken-2", "taken").catch((error: RotorError) => error));
    await rotor.sql`delete from queue where name = 'taken'`;
  }
  const [first, second] = errors as [RotorError, RotorError];
  expect([first instanceof Replayed, second instanceof Replayed]).toEqual([false, true]);
  expect(second.toBody()).toEqual(first.toBody());
  expect(first.code).toBe("QUEUE_EXISTS");
});

test("the operator's key works like any other", async () => {
  const input = { name: "op", owner_email: "op@example.com" };
  const options = { idempotencyKey: "operator-1" };
  const first = await rotor.engine.perform(rotor.operator, contract.admin.createWorkspace, input, options);
  const second = await rotor.engine.perform(rotor.operator, contract.admin.createWorkspace, input, options);
  expect(second).toEqual({ ...first, replayed: true });
});

test("answers are stored sealed, and removed when they are too old to count", async () => {
  const made = await call(
    rotor.engine,
    rotor.home.admin,
    create,
    { name: "sealed", callback_url: "https://a.example/" },
    "s",
  );
  const rows = await rotor.sql<{ body: string }[]>`select body from idempotency`;
  expect(
    rows.some(({ body }) => body.includes(made.callback_secret as string) || body.includes("sealed")),
  ).toBe(false);
  await rotor.moveClock("25 hours");
  while ((await purgeAnswers(services.databases.engine, 10)) === 10);
  expect((await rotor.sql`select count(*)::int as left from idempotency`)[0]?.left).toBe(0);
});
