// T-2: who may do what, by hand, held against what really happens.

import { contract } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Caller } from "./caller.ts";
import { call, codeOf, startTestEngine, type TestEngine } from "./testing/index.ts";
import { type OperationName, sampledOperations, type Things } from "./testing/samples.ts";

const people = [
  "admin",
  "developer",
  "approver",
  "viewer",
  "developer+approver",
  "orphan key",
  "team key",
] as const;
type Who = (typeof people)[number] | "queue key" | "operator";

const everyone: readonly Who[] = people;
const everyKey: readonly Who[] = [...people, "queue key"];
const developers: readonly Who[] = ["admin", "developer", "developer+approver", "team key"];
const developersAndQueueKey: readonly Who[] = [...developers, "queue key"];
const approvers: readonly Who[] = ["admin", "approver", "developer+approver"];
const admins: readonly Who[] = ["admin"];
const operator: readonly Who[] = ["operator"];

/** The team key and the queue key of this test have the role developer. */
const matrix: Record<OperationName, readonly Who[]> = {
  "queues.list": everyone,
  "queues.create": developers,
  "queues.upsert": developers,
  "queues.get": everyKey,
  "queues.update": developers,
  "queues.delete": developers,
  "queues.pause": developers,
  "queues.resume": developers,
  "queues.setState": developers,
  "queues.stats": everyKey,
  "queues.drain": developers,
  "queues.retryAll": developersAndQueueKey,
  "queues.check": developers,
  "jobs.enqueue": developersAndQueueKey,
  "jobs.addBatch": developersAndQueueKey,
  "jobs.list": everyKey,
  "jobs.get": everyKey,
  "jobs.cancel": developersAndQueueKey,
  "jobs.retry": developersAndQueueKey,
  "jobs.release": admins,
  "jobs.explain": everyKey,
  "dlq.list": everyKey,
  "dlq.groups": everyKey,
  "dlq.replay": developersAndQueueKey,
  "dlq.getReplay": everyKey,
  "dlq.stopReplay": developersAndQueueKey,
  "approvals.list": everyone,
  "approvals.get": everyone,
  "approvals.approve": approvers,
  "approvals.reject": approvers,
  "approvals.decide": approvers,
  "schedules.list": everyone,
  "schedules.create": developers,
  "schedules.upsert": developers,
  "schedules.get": everyone,
  "schedules.update": developers,
  "schedules.delete": developers,
  "schedules.pause": developers,
  "schedules.resume": developers,
  "schedules.fireNow": developers,
  "schedules.runs": everyone,
  "schedules.next": everyone,
  "guardrails.get": everyone,
  "guardrails.update": developers,
  "guardrails.appendDnc": developers,
  "guardrails.listDnc": everyone,
  "guardrails.removeDncEmail": developers,
  "guardrails.test": developers,
  "functions.list": everyone,
  "functions.register": developers,
  "functions.get": everyone,
  "functions.versions": everyone,
  "functions.archive": developers,
  "functions.trigger": developers,
  "functions.invoke": developers,
  "runs.list": everyone,
  "runs.get": everyone,
  "runs.explain": everyone,
  "runs.cancel": developers,
  "runs.cancelMany": developers,
  "runs.replay": developers,
  "runs.rerun": developers,
  "runs.approve": approvers,
  "events.send": developers,
  "events.list": everyone,
  "events.get": everyone,
  "signals.complete": developers,
  "signingKey.get": admins,
  "signingKey.rotate": admins,
  "jobs.claim": developersAndQueueKey,
  "jobs.end": developersAndQueueKey,
  "jobs.extend": developersAndQueueKey,
  "jobs.handBack": developersAndQueueKey,
  "apiKeys.list": developers,
  "apiKeys.create": developers,
  "apiKeys.revoke": developers,
  "apiKeys.rotate": developers,
  "apiKeys.extend": admins,
  "members.list": everyone,
  "members.invite": admins,
  "members.update": admins,
  "members.remove": admins,
  "workspaces.list": everyone,
  "workspaces.get": everyone,
  "workspaces.update": admins,
  "whoami.get": everyKey,
  "status.get": everyone,
  "usage.current": everyone,
  "audit.list": everyone,
  "audit.verify": everyone,
  "admin.listWorkspaces": operator,
  "admin.createWorkspace": operator,
  "admin.getWorkspace": operator,
  "admin.updateWorkspace": operator,
  "admin.deleteWorkspace": operator,
  "admin.listQueues": operator,
  "admin.getJob": operator,
  "admin.listFailed": operator,
  "admin.replayFailed": operator,
  "admin.listSchedules": operator,
  "admin.fireSchedule": operator,
};

/** Nothing has these names, so that whoever may do everything still changes nothing. */
const unknown: Things = {
  queue: "nowhere",
  job: "job_unknown",
  replay: "rpl_unknown",
  key: "key_unknown",
  member: "mem_unknown",
  workspace: "ws_unknown",
  workflow: "no-such-workflow",
  schedule: "sched_unknown",
  run: "run_unknown",
  event: "evt_unknown",
  signal: "no-such-signal",
  approval: `apv_${"0".repeat(32)}`,
};

let rotor: TestEngine;
const callers = new Map<Who, Caller>();

beforeAll(async () => {
  rotor = await startTestEngine();
  const { home, operator, engine } = rotor;
  await call(engine, home.admin, contract.queues.create, { name: "own" });
  callers.set("admin", await home.callerFor({ role: "admin" }));
  callers.set("developer", await home.callerFor({ role: "developer" }));
  callers.set("approver", await home.callerFor({ role: "approver" }));
  callers.set("viewer", await home.callerFor({ role: "viewer" }));
  callers.set("developer+approver", await home.callerFor({ role: "developer", capabilities: ["approver"] }));
  callers.set("orphan key", await home.callerFor({ role: "admin", member: null }));
  callers.set("team key", await home.callerFor({ tier: "team" }));
  callers.set("queue key", await home.callerFor({ tier: "queue", queue: "own" }));
  callers.set("operator", operator);
});

afterAll(() => rotor.stop());

test.each(sampledOperations.map((operation) => [operation.name, operation] as const))(
  "%s is done for those in its line, and refused to everybody else",
  async (name, { operation, sample }) => {
    const allowed: Who[] = [];
    for (const [who, caller] of callers) {
      const things = who === "queue key" ? { ...unknown, queue: "own" } : unknown;
      const code = await codeOf(rotor.engine.callAs(caller)(operation, sample(things)));
      if (code !== "FORBIDDEN" && code !== "KEY_TIER_REFUSED") allowed.push(who);
    }
    expect(allowed.toSorted()).toEqual(matrix[name].toSorted());
  },
);

test("a queue key may touch its own queue and no other, known or not", async () => {
  const { engine, home } = rotor;
  await call(engine, home.admin, contract.queues.create, { name: "other" });
  const codes = ["own", "other", "nowhere"].map((name) =>
    codeOf(engine.callAs(callers.get("queue key") as Caller)(contract.queues.get, { name })),
  );
  expect(await Promise.all(codes)).toEqual(["ok", "QUEUE_KEY_REFUSED", "QUEUE_KEY_REFUSED"]);
});
