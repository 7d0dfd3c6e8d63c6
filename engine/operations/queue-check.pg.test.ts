// The check against real handlers: a careful one, and ones that make each mistake.

import { createHmac } from "node:crypto";
import { contract } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, codeOf, startTestEngine, type TestEngine } from "../testing/index.ts";
import { accept, answer, type Behave, startWitness, type Visit, type Witness } from "../testing/witness.ts";

let rotor: TestEngine;
let witness: Witness;
beforeAll(async () => {
  rotor = await startTestEngine();
  witness = await startWitness();
});
afterAll(async () => {
  await rotor.stop();
  await witness.close();
});

const perform = <Op extends Parameters<typeof call>[2]>(operation: Op, input: object) =>
  call(rotor.engine, rotor.home.admin, operation, input as never);

let made = 0;
async function createQueue(settings: object = {}) {
  const name = `check-${++made}`;
  const queue = await perform(contract.queues.create, { name, callback_url: witness.url, ...settings });
  return { name, secret: queue.callback_secret as string };
}

async function check(behave: Behave, name: string, input: object = {}) {
  witness.visits.length = 0;
  witness.behave(behave);
  const answered = await perform(contract.queues.check, { name, confirm_handler_runs: true, ...input });
  return { ...answered, bad: answered.probes.filter(({ ok }) => ok === false).map((probe) => probe.name) };
}

function isSigned({ headers, body }: Visit, secret: string): boolean {
  const [id, timestamp] = [headers["x-rotor-job-id"], headers["x-rotor-timestamp"]];
  const own = createHmac("sha256", secret).update(`${id}.${timestamp}.${body}`).digest("base64");
  return headers["x-rotor-signature"] === `v1,${own}`;
}

const isFresh = ({ headers }: Visit) =>
  Math.abs(Date.now() / 1000 - Number(headers["x-rotor-timestamp"])) < 300;

const careful =
  (secret: string): Behave =>
  (visit, response) => {
    response.writeHead(isSigned(visit, secret) && isFresh(visit) ? 200 : 401).end();
  };

test("a careful handler passes, and got what a job would bring", async () => {
  const { name, secret } = await createQueue({ callback_headers: { "x-own": "1" } });
  const result = await check(careful(secret), name, { payload: { probe: true } });
  expect([result.checked, result.ok, result.bad]).toEqual([true, true, []]);
  expect(witness.visits.map(({ headers }) => headers["x-rotor-check"])).toEqual(result.requests);
  expect(witness.visits[0]).toMatchObject({ body: '{"probe":true}', queue: name, headers: { "x-own": "1" } });
  expect(witness.visits[0]?.id).toBe(witness.visits[1]?.id);
  expect(result.probes.find((probe) => probe.name === "right_signature")).toMatchObject({
    status: 200,
    ok: true,
  });
});

test("nothing is sent before it is said that the handler may run, and nothing is stored after", async () => {
  const { name } = await createQueue();
  witness.visits.length = 0;
  const told = await perform(contract.queues.check, { name });
  expect(told).toEqual({
    checked: false,
    note: expect.stringContaining("confirm_handler_runs"),
    ok: null,
    url: witness.url,
    requests: expect.any(Array),
    probes: [],
  });
  expect(witness.visits).toHaveLength(0);
  await check(accept, name);
  expect((await perform(contract.jobs.list, { name })).data).toEqual([]);
});

test.each([
  ["takes everything", () => accept, ["wrong_signature", "old_timestamp"]],
  [
    "does not look at the time",
    (secret: string): Behave =>
      (visit, response) => {
        response.writeHead(isSigned(visit, secret) ? 200 : 401).end();
      },
    ["old_timestamp"],
  ],
  ["has another secret", () => careful("whsec_other"), ["right_signature"]],
  ["has moved", () => answer(301, { location: "https://elsewhere.example/" }), ["right_signature"]],
  ["fails", () => answer(500), ["right_signature", "wrong_signature", "old_timestamp"]],
  ["hangs up", (): Behave => (_visit, response) => void response.socket?.destroy(), ["reachable"]],
])("a handler that %s is told so, with a fix", async (_, behaveOf, bad) => {
  const { name, secret } = await createQueue();
  const result = await check(behaveOf(secret), name);
  expect([result.ok, result.bad]).toEqual([false, bad]);
  for (const probe of result.probes.filter(({ ok }) => ok === false))
    expect(probe.fix).toEqual(expect.any(String));
});

test("a handler that takes a job once is told that jobs may come twice", async () => {
  const { name, secret } = await createQueue();
  const seen = new Set<string>();
  const once: Behave = (visit, response) => {
    if (!isSigned(visit, secret) || !isFresh(visit)) return void response.writeHead(401).end();
    response.writeHead(seen.has(visit.id) ? 409 : 200).end();
    seen.add(visit.id);
  };
  expect((await check(once, name)).bad).toEqual(["same_job_twice"]);
});

test("a handler that is not there, and one that does not answer", async () => {
  const gone = await createQueue({ callback_url: "http://127.0.0.1:1025/" });
  expect((await check(accept, gone.name)).bad).toEqual(["reachable"]);
  const slow = await createQueue({ timeout_seconds: 1 });
  expect((await check(() => {}, slow.name)).bad).toEqual(["reachable", "answer_time"]);
  expect(witness.visits).toHaveLength(1);
});

test("during a rotation the new secret is the one that is checked", async () => {
  const { name } = await createQueue();
  const rotated = await perform(contract.queues.update, { name, rotate_callback_secret: true });
  expect((await check(careful(rotated.callback_secret as string), name)).ok).toBe(true);
});

test("a pull queue has nothing to check: INVALID_INPUT", async () => {
  const { name } = await createQueue({ callback_url: null });
  expect(await codeOf(perform(contract.queues.check, { name }))).toBe("INVALID_INPUT");
});
