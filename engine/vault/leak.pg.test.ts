// K-2: a key or a secret is nowhere in the database, in whatever way it came about.

import { contract } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Log } from "../log.ts";
import { call, startTestEngine, type TestEngine } from "../testing/index.ts";
import { mintKey } from "./key-token.ts";

let rotor: TestEngine;
const logged: string[] = [];
const remember = (fields: object, message: string) => logged.push(JSON.stringify(fields) + message);
const log: Log = { debug: remember, info: remember, warn: remember, error: remember };
const given = mintKey("workspace").token;

beforeAll(async () => {
  rotor = await startTestEngine({ log, givenKeys: [{ token: given, label: "boot", role: "admin" }] });
});

afterAll(() => rotor.stop());

/** Every row of every table as text. */
async function dump(): Promise<string> {
  const tables = await rotor.sql<{ name: string }[]>`
    select oid::regclass::text as name from pg_class where relkind in ('r', 'm') and relnamespace = 'public'::regnamespace`;
  const texts = [];
  for (const { name } of tables) {
    const rows = await rotor.sql.unsafe<{ row: string }[]>(`select t::text as row from ${name} t`);
    texts.push(...rows.map(({ row }) => row));
  }
  return texts.join("\n");
}

test("K-2: no key, no callback secret and no header value is found in the database, the audit log or the logs", async () => {
  const { engine, home, operator } = rotor;
  const secrets: string[] = [given];
  const headers = { authorization: "Bearer top-secret-header" };
  const twice = async (
    make: (key: string) => Promise<{ key?: string; callback_secret?: string | undefined }>,
    name: string,
  ) => {
    for (let round = 0; round < 2; round++) {
      const made = await make(name);
      secrets.push((made.key ?? made.callback_secret) as string);
    }
  };
  const queue = { name: "q", callback_url: "https://a.example/" };
  await twice((key) => call(engine, home.admin, contract.apiKeys.create, { label: "x" }, key), "create key");
  const { id } = await call(engine, home.admin, contract.apiKeys.create, { label: "y" });
  await twice(
    (key) => call(engine, home.admin, contract.apiKeys.rotate, { id, grace_seconds: 60 }, key),
    "rotate key",
  );
  await twice((key) => call(engine, home.admin, contract.queues.create, queue, key), "create queue");
  const rotation = { name: "q", rotate_callback_secret: true };
  await twice((key) => call(engine, home.admin, contract.queues.update, rotation, key), "rotate secret");
  const workspace = { name: "w", owner_email: "w@example.com" };
  await twice(
    (key) => call(engine, operator, contract.admin.createWorkspace, workspace, key),
    "create workspace",
  );
  await call(engine, home.admin, contract.queues.delete, { name: "q" });

  expect(new Set(secrets).size).toBe(6);
  const text = (await dump()) + logged.join("\n");
  expect(text.length).toBeGreaterThan(10_000);
  for (const secret of secrets) {
    expect(secret).toMatch(/^(rt_ws_|whsec_)/);
    // Nor the part of it that makes it secret.
    expect(text.includes(secret) || text.includes(secret.slice(-49, -6))).toBe(false);
  }
  await call(engine, home.admin, contract.queues.create, { ...queue, callback_headers: headers });
  const audit = JSON.stringify(await call(engine, home.admin, contract.audit.list, { event_type: "queue." }));
  expect(audit).not.toContain("top-secret-header");
  expect(await dump()).not.toContain("top-secret-header");
  const shown = await call(engine, home.admin, contract.queues.get, { name: "q" });
  expect(Object.values(shown.callback_headers)).toEqual(["***"]);
});
