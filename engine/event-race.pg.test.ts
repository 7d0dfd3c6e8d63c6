// I7, hammered: events that are published in the very moment their wait is registered, in every order and in company.

import { contract } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RegisteredWait } from "./core/drive-end.ts";
import type { Services } from "./handler.ts";
import { newId } from "./ids.ts";
import { openServices } from "./services.ts";
import { claimRuns } from "./store/run-claim.ts";
import { call, codeOf, startTestEngine, type TestEngine, testOptions } from "./testing/index.ts";

let rotor: TestEngine;
/** Two processes: one registers waits, the other publishes. */
let waiting: Services;
let publishing: Services;

beforeAll(async () => {
  rotor = await startTestEngine();
  [waiting, publishing] = [
    await openServices(testOptions(rotor.url)),
    await openServices(testOptions(rotor.url)),
  ];
  const register = { id: "racing", serve_url: "http://127.0.0.1:50997/", trigger_event: "racing" };
  await call(rotor.engine, rotor.home.admin, contract.functions.register, register);
});

afterAll(async () => {
  for (const services of [waiting, publishing]) {
    await services?.outbound.close();
    await services?.broker.close();
    await services?.databases.close();
  }
  await rotor?.stop();
});

const allowance = () => ({
  workspaceId: rotor.home.id,
  plan: "unlimited" as const,
  quota: null,
  access: null,
});

async function claimMany(count: number) {
  const runs = Array.from({ length: count }, () => ({
    ...{
      id: newId("run"),
      workspaceId: rotor.home.id,
      workflowId: "racing",
      idempotencyKey: null,
      eventId: null,
    },
    ...{ eventName: null, eventTs: Date.now(), input: "{}", provenance: {} },
  }));
  await waiting.workflows.start(runs, allowance());
  const claimed = [];
  while (claimed.length < count) claimed.push(...(await claimRuns(waiting.databases.engine, count, 600_000)));
  return claimed;
}

const registerWait = (run: { id: string; token: string }, wait: RegisteredWait) =>
  waiting.workflows.finish({
    ...{ run: run.id, workspaceId: rotor.home.id, token: run.token, steps: [], asked: null, isAlone: true },
    next: { kind: "wait", status: "waiting", waits: [wait] },
  });

const register = (run: { id: string; token: string }) =>
  registerWait(run, {
    ...{ kind: "event", key: "w", name: "w", event: "raced", timeoutMs: 3_600_000 },
    match: `data.run == "${run.id}"`,
  });

const publish = (run: { id: string }) =>
  publishing.workflows.publish(
    [
      {
        ...{ workspaceId: rotor.home.id, id: newId("evt"), name: "raced", ts: null, provenance: {} },
        data: { run: run.id },
      },
    ],
    allowance(),
  );

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

test("who completes a signal in the moment somebody begins to wait for it is told 404 or 200, and never that it is over", async () => {
  const runs = await claimMany(100);
  const complete = (id: string) =>
    codeOf(call(rotor.engine, rotor.home.admin, contract.signals.complete, { id, data: {} }));
  const told = await Promise.all(
    runs.map(async (run) => {
      const signal = `gate-${run.id}`;
      const registered = registerWait(run, {
        ...{ kind: "signal", key: "g", name: "g", signal, timeoutMs: 3_600_000 },
      });
      const codes: string[] = [];
      while (codes.at(-1) !== "ok" && codes.length < 1000) codes.push(await complete(signal));
      await registered;
      return new Set(codes);
    }),
  );
  expect(new Set(told.flatMap((codes) => [...codes]))).toEqual(new Set(["ok", "SIGNAL_NOT_FOUND"]));
}, 60_000);

test.each([
  ["one at a time", 1],
  ["ten at a time", 10],
  ["a hundred at a time", 100],
])("%s, whichever of the two comes first", async (_, together) => {
  const runs = await claimMany(300);
  for (let from = 0; from < runs.length; from += together) {
    await Promise.all(
      runs.slice(from, from + together).map(async (run, index) => {
        // Now the one, now the other is a little ahead.
        const ahead = ((from + index) % 7) - 3;
        const wait = turns(Math.max(0, ahead)).then(() => register(run));
        const event = turns(Math.max(0, -ahead)).then(() => publish(run));
        await Promise.all([wait, event]);
      }),
    );
  }
  const ids = runs.map(({ id }) => id);
  const [row] = await rotor.sql`
    select (select count(*)::int from step where run_id = any(${ids}) and outcome::json->'ok'->>'run' = run_id) as woken,
      (select count(*)::int from waiter where run_id = any(${ids})) as waiting,
      (select count(*)::int from run where id = any(${ids}) and due_at <= rotor_now() and lease is null) as due`;
  expect(row).toEqual({ woken: 300, waiting: 0, due: 300 });
});
