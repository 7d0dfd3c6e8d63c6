// L-1: what was written down stays as it was written, or it is noticed.

import { contract } from "@rotorsh/contract";
import postgres from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, codeOf, startTestEngine, type TestEngine, type TestWorkspace } from "../testing/index.ts";
import { appRole, engineRole } from "./roles.ts";

let rotor: TestEngine;

beforeAll(async () => {
  rotor = await startTestEngine();
});

afterAll(() => rotor.stop());

const events = async (workspaceId: string) =>
  (await rotor.sql`select * from audit_event where workspace_id = ${workspaceId} order by seq`).map(
    (row) => ({ ...row }),
  );

const verify = (home: TestWorkspace) => call(rotor.engine, home.admin, contract.audit.verify, {});

/** A workspace whose chain has a few events. */
async function withHistory(length = 5): Promise<TestWorkspace> {
  const home = await rotor.createWorkspace();
  for (let index = 1; index < length; index++) {
    await call(rotor.engine, home.admin, contract.queues.create, { name: `q${index}` });
  }
  return home;
}

async function as<T>(role: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(rotor.url, { max: 1, connection: { role } });
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}

const partitions = async () =>
  (
    await rotor.sql<{ name: string }[]>`
    select relid::regclass::text as name from pg_partition_tree('audit_event')`
  ).map(({ name }) => name);

test.each([appRole, engineRole])("L-1: %s can neither change, remove nor truncate an event", async (role) => {
  await withHistory();
  const names = await partitions();
  expect(names.length).toBeGreaterThan(4);
  await as(role, async (sql) => {
    for (const name of names) {
      for (const text of [`update ${name} set actor_id = 'x'`, `delete from ${name}`, `truncate ${name}`]) {
        await expect(sql.unsafe(text), text).rejects.toMatchObject({ code: "42501" });
      }
    }
  });
});

test("L-1: not even the owner changes, removes or truncates an event by mistake", async () => {
  await withHistory();
  for (const name of await partitions()) {
    await expect(rotor.sql.unsafe(`truncate ${name}`)).rejects.toMatchObject({ code: "42501" });
  }
  await expect(rotor.sql`update audit_event set actor_id = 'x'`).rejects.toMatchObject({ code: "42501" });
  await expect(rotor.sql`delete from audit_event`).rejects.toMatchObject({ code: "42501" });
});

/** As somebody with every right would: past the triggers. */
async function tamper(text: string): Promise<void> {
  await rotor.sql.begin(async (sql) => {
    await sql`set local session_replication_role = replica`;
    await sql.unsafe(text);
  });
}

const tamperings: [string, (id: string) => string, number][] = [
  [
    "an altered actor",
    (id) => `update audit_event set actor_id = 'x' where workspace_id = '${id}' and seq = 3`,
    3,
  ],
  [
    "an altered time",
    (id) =>
      `update audit_event set occurred_at = occurred_at + interval '1 ms' where workspace_id = '${id}' and seq = 2`,
    2,
  ],
  [
    "altered metadata",
    (id) => `update audit_event set metadata = '{}' where workspace_id = '${id}' and seq = 4`,
    4,
  ],
  ["an event taken out", (id) => `delete from audit_event where workspace_id = '${id}' and seq = 3`, 3],
  [
    "the first event taken out",
    (id) => `delete from audit_event where workspace_id = '${id}' and seq = 1`,
    1,
  ],
  ["a tail cut off", (id) => `delete from audit_event where workspace_id = '${id}' and seq >= 4`, 4],
  ["all events gone", (id) => `delete from audit_event where workspace_id = '${id}'`, 1],
  ["the head gone", (id) => `delete from audit_head where workspace_id = '${id}'`, 6],
  [
    "an event counted twice",
    (id) =>
      `insert into audit_event select gen_random_uuid(), workspace_id, seq, event_type, actor_id, actor_role, resource_id,
        metadata, surface, client, request_id, trace_id, ip_address, user_agent, occurred_at, hash
        from audit_event where workspace_id = '${id}' and seq = 3`,
    3,
  ],
];

test.each(tamperings)("L-1: %s is noticed, and the first wrong event named", async (_, text, firstBad) => {
  const home = await withHistory();
  expect(await verify(home)).toMatchObject({ valid: true, checked: 5, last_seq: 5, first_bad_seq: null });
  await tamper(text(home.id));
  const found = await verify(home);
  expect(found.valid).toBe(false);
  // Of two events with one number either may be looked at first.
  expect([firstBad, firstBad + 1]).toContain(found.first_bad_seq);
});

test("L-1: a chain that was rolled back as a whole differs from the hash that was kept elsewhere", async () => {
  const home = await withHistory();
  const kept = await verify(home);
  await tamper(`delete from audit_event where workspace_id = '${home.id}' and seq = 5;
    update audit_head set seq = 4, hash = (select hash from audit_event where workspace_id = '${home.id}' and seq = 4)
    where workspace_id = '${home.id}'`);
  const found = await verify(home);
  expect(found.valid).toBe(true);
  expect([found.last_seq, found.last_hash]).not.toEqual([kept.last_seq, kept.last_hash]);
});

test("the events of one workspace are numbered from 1 without gaps, also when many write at once", async () => {
  const home = await rotor.createWorkspace();
  const peer = await rotor.startPeer();
  const engines = [rotor.engine, peer];
  const viewer = await home.callerFor({ role: "viewer" });
  const work = Array.from({ length: 80 }, (_, index) => {
    const engine = engines[index % 2] as typeof peer;
    const name = `q${index % 7}`;
    if (index % 5 === 0) return codeOf(call(engine, viewer, contract.queues.create, { name }));
    if (index % 5 === 1)
      return codeOf(call(engine, home.admin, contract.members.invite, { email: `m${index}@example.com` }));
    if (index % 5 === 2)
      return codeOf(call(engine, home.admin, contract.apiKeys.create, { label: `k${index}` }, `k${index}`));
    return codeOf(call(engine, home.admin, contract.queues.upsert, { name, concurrency: 1 + index }));
  });
  const verdicts = Promise.all(Array.from({ length: 10 }, () => verify(home)));
  expect(new Set(await Promise.all(work))).toEqual(new Set(["ok", "FORBIDDEN"]));
  for (const verdict of await verdicts) expect(verdict.valid).toBe(true);
  const all = await events(home.id);
  expect(all.map(({ seq }) => Number(seq))).toEqual(all.map((_, index) => index + 1));
  expect(await verify(home)).toMatchObject({ valid: true, checked: all.length });
});

test("a chain longer than one look at it is verified to its end", async () => {
  const home = await rotor.createWorkspace();
  const viewer = await home.callerFor({ role: "viewer" });
  for (let round = 0; round < 21; round++) {
    await Promise.all(
      Array.from({ length: 50 }, () =>
        codeOf(call(rotor.engine, viewer, contract.queues.create, { name: "q" })),
      ),
    );
  }
  expect(await verify(home)).toMatchObject({ valid: true, checked: 1051 });
  await tamper(`delete from audit_event where workspace_id = '${home.id}' and seq = 1051`);
  expect(await verify(home)).toMatchObject({ valid: false, first_bad_seq: 1051 });
});

test("the list is newest first, filtered by type, actor, resource, surface and time, and paged", async () => {
  const home = await withHistory(8);
  const list = async (input: object) =>
    (await rotor.engine.callAs(home.admin)(contract.audit.list, input)) as {
      data: { seq: number }[];
      nextCursor: string | null;
    };
  const seqs = async (input: object) => (await list(input)).data.map(({ seq }) => seq);
  expect(await seqs({ event_type: "queue." })).toEqual([8, 7, 6, 5, 4, 3, 2]);
  expect(await seqs({ event_type: "queue.created", resource_id: "q2" })).toEqual([3]);
  expect(await seqs({ event_type: "queue" })).toEqual([]);
  expect(await seqs({ event_type: "que_e." })).toEqual([]);
  expect(await seqs({ actor_id: "operator" })).toEqual([1]);
  expect(await seqs({ surface: "mcp" })).toEqual([]);
  const [fourth] = (await events(home.id)).filter(({ seq }) => Number(seq) === 4);
  const at = new Date(fourth?.occurred_at).toISOString();
  expect(await seqs({ from: at })).toContain(4);
  expect(await seqs({ to: at })).not.toContain(4);
  const first = await list({ limit: 3 });
  const second = await list({ limit: 5, cursor: first.nextCursor });
  expect([...first.data, ...second.data].map(({ seq }) => seq)).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
  expect(second.nextCursor).toBeNull();
});

test("partitions lie ready for months to come, as many as before when asked twice at once", async () => {
  const before = await partitions();
  const ensure = () => rotor.sql`select ensure_audit_partitions(rotor_now() + interval '2 years')`;
  await Promise.all([ensure(), ensure(), ensure()]);
  const after = await partitions();
  expect(after).toHaveLength(before.length + 4);
  const [row] = await rotor.sql`
    select to_regclass('audit_event_' || to_char((rotor_now() + interval '2 months') at time zone 'UTC', 'YYYY_MM')) as ahead`;
  expect(row?.ahead).not.toBeNull();
});

test("an event of a month without a partition is kept all the same, as unchangeable as the others", async () => {
  const home = await rotor.createWorkspace();
  await rotor.moveClock("10 years");
  try {
    await call(rotor.engine, home.admin, contract.queues.create, { name: "late" });
    const [row] =
      await rotor.sql`select count(*)::int as n from audit_event_default where workspace_id = ${home.id}`;
    expect(row?.n).toBe(1);
    await expect(rotor.sql`delete from audit_event_default`).rejects.toMatchObject({ code: "42501" });
    // Its month goes on in the default partition; the months after it get their own.
    await rotor.sql`select ensure_audit_partitions(rotor_now())`;
    expect(await verify(home)).toMatchObject({ valid: true });
  } finally {
    await rotor.moveClock("-10 years");
  }
});
