// L-2: what happened is written down, once, with all that is known of it; what did not happen is not.

import { contract, isRead } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildThings, call, codeOf, provenance, startTestEngine, type TestEngine } from "./testing/index.ts";
import { sampledOperations } from "./testing/samples.ts";

let rotor: TestEngine;

beforeAll(async () => {
  rotor = await startTestEngine();
});

afterAll(() => rotor.stop());

const events = async (workspaceId: string) =>
  (await rotor.sql`select * from audit_event where workspace_id = ${workspaceId} order by seq`).map(
    (row) => ({ ...row }),
  );

const writes = sampledOperations.filter(({ operation }) => !isRead(operation));
// A decision needs a run that waits for one, also where it comes as a signal; the workflow tests have both.
const decisions = ["runs.approve", "signals.complete"];
const audited = writes.filter(({ operation, name }) => operation.audit && !decisions.includes(name));

test("L-2: every change has an audit event, but those of jobs, events and runs, which carry their own provenance", () => {
  const own = ["jobs.", "events.", "runs.", "signals.", "functions.trigger", "functions.invoke"];
  // A check stores nothing.
  const exempt = (name: string) => own.some((start) => name.startsWith(start)) || name === "queues.check";
  const silent = writes.filter(({ operation, name }) => !operation.audit && !exempt(name));
  expect(silent.map(({ name }) => name)).toEqual([]);
});

test.each(audited.map((sampled) => [sampled.name, sampled] as const))(
  "L-2: %s writes exactly one event, with all that is known of it",
  async (name, { operation, sample, noun }) => {
    const home = await rotor.createWorkspace();
    const things = await buildThings(rotor, home);
    if (name === "queues.resume")
      await call(rotor.engine, home.admin, contract.queues.pause, { name: things.queue });
    if (name === "schedules.resume")
      await call(rotor.engine, home.admin, contract.schedules.pause, { id: things.schedule });
    if (name === "queues.create") things.queue = "fresh";
    if (name === "jobs.release")
      await rotor.sql`update job set state = 'guardrail.blocked' where id = ${things.job}`;
    if (name === "guardrails.removeDncEmail") {
      const { email } = sample(things) as { email: string };
      await call(rotor.engine, home.admin, contract.guardrails.appendDnc, { emails: [email] });
    }
    const caller = noun === "admin" ? rotor.operator : home.admin;
    const before = (await rotor.sql`select count(*)::int as n from audit_event`)[0]?.n;
    const output = await rotor.engine.callAs(caller)(operation, sample(things));
    const added = await rotor.sql`select * from audit_event order by occurred_at, seq offset ${before}`;
    expect(added).toHaveLength(1);
    expect({ ...added[0] }).toMatchObject({
      event_type: operation.audit,
      actor_id: caller.actorId,
      actor_role: caller.role,
      resource_id: expect.stringMatching(/./),
      surface: provenance.surface,
      client: provenance.client,
      request_id: provenance.requestId,
      trace_id: provenance.traceId,
      ip_address: provenance.ip,
      user_agent: provenance.userAgent,
    });
    const { before: was, after: is } = added[0]?.metadata ?? {};
    expect(was ?? is).not.toBeNull();
    for (const secret of [output.callback_secret, output.key]) {
      if (secret) expect(JSON.stringify(added)).not.toContain(secret);
    }
  },
);

test("L-2: header values are masked, their names kept", async () => {
  const home = await rotor.createWorkspace();
  const input = {
    name: "q",
    callback_url: "https://a.example/",
    callback_headers: { authorization: "Bearer hush" },
  };
  await call(rotor.engine, home.admin, contract.queues.create, input);
  await call(rotor.engine, home.admin, contract.queues.update, {
    name: "q",
    callback_headers: { authorization: "x" },
  });
  const text = JSON.stringify(await events(home.id));
  expect(text).not.toContain("hush");
  expect(text).toContain("authorization");
  expect((await events(home.id)).map(({ event_type }) => event_type)).toContain("queue.updated");
});

test("L-2: a refused write leaves one event that says so, and a refused read too", async () => {
  const home = await rotor.createWorkspace();
  const viewer = await home.callerFor({ role: "viewer" });
  const key = await home.callerFor({ tier: "queue", queue: "q" });
  await codeOf(call(rotor.engine, viewer, contract.queues.create, { name: "q" }));
  await codeOf(call(rotor.engine, key, contract.members.list, {}));
  const denied = (await events(home.id)).filter(({ event_type }) => event_type === "access.denied");
  expect(denied.map(({ actor_id, metadata }) => [actor_id, metadata])).toEqual([
    [viewer.actorId, { operation: "queues.create", code: "FORBIDDEN" }],
    [key.actorId, { operation: "members.list", code: "KEY_TIER_REFUSED" }],
  ]);
});

test("L-2: what changes nothing, fails, is only tried, or is a repetition leaves no event", async () => {
  const home = await rotor.createWorkspace();
  const { engine } = rotor;
  const things = await buildThings(rotor, home);
  const name = things.queue;
  const { id: revoked } = await call(engine, home.admin, contract.apiKeys.create, { label: "gone" });
  await call(engine, home.admin, contract.apiKeys.revoke, { id: revoked });
  await call(engine, home.admin, contract.queues.upsert, { name, concurrency: 3 }, "once");
  const [before, row] = [
    await events(home.id),
    await rotor.sql`select * from queue where workspace_id = ${home.id}`,
  ];
  const calls = [
    call(engine, home.admin, contract.queues.upsert, { name, concurrency: 3 }, "once"),
    call(engine, home.admin, contract.queues.upsert, { name, concurrency: 3 }),
    call(engine, home.admin, contract.queues.update, { name }),
    call(engine, home.admin, contract.queues.resume, { name }),
    call(engine, home.admin, contract.queues.setState, { name, state: "active" }),
    call(engine, home.admin, contract.queues.create, { name }),
    call(engine, home.admin, contract.queues.delete, { name, dry_run: true }),
    call(engine, home.admin, contract.queues.delete, { name: "none" }),
    call(engine, home.admin, contract.apiKeys.revoke, { id: revoked }),
    call(engine, home.admin, contract.apiKeys.revoke, { id: things.key, dry_run: true }),
    call(engine, home.admin, contract.members.update, { id: things.member, role: "developer" }),
    call(engine, home.admin, contract.members.remove, { id: things.member, dry_run: true }),
    call(engine, home.admin, contract.workspaces.update, { id: home.id, name: "acme" }),
    call(engine, rotor.operator, contract.admin.updateWorkspace, { id: home.id, suspended: false }),
    call(engine, rotor.operator, contract.admin.deleteWorkspace, { id: home.id, dry_run: true }),
  ];
  const codes = await Promise.all(calls.map((made) => codeOf(made)));
  expect(codes.filter((code) => code !== "ok")).toEqual(["QUEUE_EXISTS", "QUEUE_NOT_FOUND"]);
  expect(await events(home.id)).toEqual(before);
  expect(await rotor.sql`select * from queue where workspace_id = ${home.id}`).toEqual(row);
});
