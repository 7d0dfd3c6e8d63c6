// No delivery is unsigned: a queue has a secret as long as it has a callback URL, shown when it is made and never again.

import { contract, type RotorError } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, codeOf, startTestEngine, type TestEngine, testOptions } from "../testing/index.ts";
import { createVault } from "../vault/vault.ts";

let rotor: TestEngine;

beforeAll(async () => {
  rotor = await startTestEngine();
});

afterAll(() => rotor.stop());

const url = "https://app.example.com/jobs";
const create = (name: string, input: object = { callback_url: url }) =>
  call(rotor.engine, rotor.home.admin, contract.queues.create, { name, ...input });
const update = (name: string, input: object) =>
  call(rotor.engine, rotor.home.admin, contract.queues.update, { name, ...input });

/** The secrets of a queue as a delivery would use them. */
async function stored(name: string): Promise<{ secret: string | null; previous: string | null }> {
  const [row] = await rotor.sql`
    select w.id, w.data_key, q.secret, q.previous_secret from queue q join workspace w on w.id = q.workspace_id
    where q.name = ${name} and w.id = ${rotor.home.id}`;
  const vault = createVault(testOptions("").keyRing);
  const open = (sealed: string | null) =>
    sealed && vault.open({ id: row?.id, dataKey: row?.data_key }, `queue|${name}`, sealed);
  return { secret: open(row?.secret), previous: open(row?.previous_secret) };
}

test("a new callback queue shows its secret once, and it is the one that is stored", async () => {
  const made = await create("new");
  expect(made.callback_secret).toMatch(/^whsec_[0-9A-Za-z]{43}$/);
  expect(await stored("new")).toEqual({ secret: made.callback_secret, previous: null });
  const again = await call(rotor.engine, rotor.home.admin, contract.queues.get, { name: "new" });
  expect("callback_secret" in again).toBe(false);
  expect("callback_secret" in (await update("new", { concurrency: 2 }))).toBe(false);
});

test("a pull queue has no secret until it has a callback URL, and none after that is taken away", async () => {
  expect("callback_secret" in (await create("pull", {}))).toBe(false);
  const first = await update("pull", { callback_url: url });
  expect(first.callback_secret).toBeDefined();
  await update("pull", { callback_url: null });
  expect(await stored("pull")).toEqual({ secret: null, previous: null });
  const second = await update("pull", { callback_url: url });
  expect(second.callback_secret).not.toBe(first.callback_secret);
});

test("W-2: a rotated secret is joined by the old one for 24 hours, during which it is not rotated again", async () => {
  const first = await create("rotating");
  const second = await update("rotating", { rotate_callback_secret: true });
  expect(await stored("rotating")).toEqual({
    secret: second.callback_secret,
    previous: first.callback_secret,
  });
  const refusal = (await update("rotating", { rotate_callback_secret: true }).catch(
    (error) => error,
  )) as RotorError;
  expect([refusal.code, refusal.details.previous_valid_until]).toEqual([
    "SECRET_ROTATING",
    second.previous_secret_valid_until,
  ]);
  await rotor.moveClock("24 hours 1 second");
  const third = await update("rotating", { rotate_callback_secret: true });
  expect(await stored("rotating")).toEqual({
    secret: third.callback_secret,
    previous: second.callback_secret,
  });
});

test("W-2: force ends the old secret early", async () => {
  await create("forced");
  const second = await update("forced", { rotate_callback_secret: true });
  const third = await update("forced", { rotate_callback_secret: true, force: true });
  expect(await stored("forced")).toEqual({ secret: third.callback_secret, previous: second.callback_secret });
});

test("of two that rotate at the same moment, one does", async () => {
  await create("race");
  const codes = await Promise.all(
    Array.from({ length: 6 }, () => codeOf(update("race", { rotate_callback_secret: true }))),
  );
  expect(codes.filter((code) => code === "ok")).toHaveLength(1);
  expect(codes.filter((code) => code === "SECRET_ROTATING")).toHaveLength(5);
});

test("of many that create or upsert one queue at the same moment, one makes it and shows the secret", async () => {
  const upserts = Array.from({ length: 10 }, () =>
    call(rotor.engine, rotor.home.admin, contract.queues.upsert, { name: "crowd", callback_url: url }),
  );
  const made = await Promise.all(upserts);
  const secrets = made.flatMap(({ callback_secret }) => callback_secret ?? []);
  expect([made.filter(({ created }) => created).length, secrets.length]).toEqual([1, 1]);
  expect((await stored("crowd")).secret).toBe(secrets[0]);
});

test("there is nothing to rotate without a callback URL: INVALID_INPUT", async () => {
  await create("none", {});
  expect(await codeOf(update("none", { rotate_callback_secret: true }))).toBe("INVALID_INPUT");
});
