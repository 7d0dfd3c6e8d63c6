// One of each thing that an operation can name, made in a workspace.

import { randomBytes } from "node:crypto";
import { contract } from "@rotorsh/contract";
import { must } from "../must.ts";
import { buildKey, buildMember } from "./builders.ts";
import { call, type TestEngine, type TestWorkspace } from "./engine.ts";
import type { Things } from "./samples.ts";

export async function buildThings(rotor: TestEngine, home: TestWorkspace): Promise<Things> {
  const { engine, sql } = rotor;
  const enqueue = async () => (await call(engine, home.admin, contract.jobs.enqueue, { name: queue })).id;
  const queue = `queue-${randomBytes(4).toString("hex")}`;
  await call(engine, home.admin, contract.queues.create, {
    name: queue,
    callback_url: "https://app.example.com/",
  });
  const [job, failed] = [await enqueue(), await enqueue()];
  await sql`update job set state = 'failed', ended_at = rotor_now(), reason = 'http_500' where id = ${failed}`;
  const { replay } = await call(engine, home.admin, contract.dlq.replay, {
    name: queue,
    all: true,
    canary: true,
  });
  const rule = { cron: "0 0 1 1 *", timezone: "UTC" };
  const { id: schedule } = await call(engine, home.admin, contract.schedules.create, { queue, ...rule });
  await call(engine, home.admin, contract.schedules.fireNow, { id: schedule });
  const inAMonth = new Date(Date.now() + 30 * 24 * 60 * 60 * 1000);
  const key = await buildKey(sql, home, { role: "developer", expiresAt: inAMonth });
  const member = await buildMember(sql, home.id, { role: "developer" });
  if (!replay) throw new Error("No canary replay was started");
  return {
    queue,
    job,
    replay: replay.id,
    key: key.id,
    member,
    workspace: home.id,
    approval: await buildApproval(rotor, home),
    schedule,
    ...(await buildRun(rotor, home)),
  };
}

/** Of a job that waits for a person. */
async function buildApproval({ engine }: TestEngine, home: TestWorkspace): Promise<string> {
  const name = `gated-${randomBytes(4).toString("hex")}`;
  await call(engine, home.admin, contract.queues.create, { name, approval_required: true });
  await call(engine, home.admin, contract.jobs.enqueue, { name });
  const { approvals } = await call(engine, home.admin, contract.approvals.list, { queue: name });
  return must(approvals[0]).id;
}

/** A run that waits for a signal, and an event. */
async function buildRun({ engine, sql }: TestEngine, home: TestWorkspace) {
  const name = randomBytes(4).toString("hex");
  const workflow = `workflow-${name}`;
  await call(engine, home.admin, contract.functions.register, {
    id: workflow,
    serve_url: "https://app.example.com/api/rotor",
    trigger_event: `event-${name}`,
  });
  const { run_id: run } = await call(engine, home.admin, contract.functions.trigger, { id: workflow });
  const { id: event } = await call(engine, home.admin, contract.events.send, { name: "other" });
  const signal = `signal-${name}`;
  await sql`insert into waiter (run_id, key, workspace_id, name, kind, due_at, signal, created_at)
    values (${run}, 'key', ${home.id}, 'wait', 'signal', rotor_now() + interval '1 day', ${signal}, rotor_now())`;
  return { workflow, run: run as string, event, signal };
}
