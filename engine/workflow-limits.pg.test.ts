// What bounds workflows: sizes, hooks, versions, quota, and how long what has ended is kept.

import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { gunzipSync, gzipSync } from "node:zlib";
import { contract, type StepRecord } from "@rotorsh/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Services } from "./handler.ts";
import { openServices } from "./services.ts";
import { call, codeOf, testOptions } from "./testing/index.ts";
import { startWorkflowTest, type WorkflowTest } from "./testing/workflows.ts";
import { purge } from "./workers/purge.ts";

let rotor: WorkflowTest;
let services: Services;

beforeAll(async () => {
  rotor = await startWorkflowTest({ slowHookMs: 20 });
  services = await openServices(testOptions(rotor.databaseUrl));
});

afterAll(async () => {
  await services?.outbound.close();
  await services?.broker.close();
  await services?.databases.close();
  await rotor?.stop();
});

const megabytes = (count: number) => "x".repeat(count * 1024 * 1024);

test("a result beyond 4 MB fails its run and names the step, and so does one of the function", async () => {
  await rotor.define({ id: "large" }, async ({ event, step }) => {
    const { of } = (event as { data: { of: string } }).data;
    if (of === "function") return megabytes(5);
    return step.run("download", () => megabytes(5));
  });
  const message = async (of: string) => {
    const run = await rotor.until(await rotor.trigger("large", { of }), "failed");
    return run.error?.message;
  };
  expect(await message("step")).toMatch(/"download".* 4 MB/);
  expect(await message("function")).toMatch(/function.* 4 MB/i);
});

/** A run whose lease only the test holds. */
async function heldRun(id: string) {
  const quiet = "http://127.0.0.1:50998/";
  const register = { id, serve_url: quiet, trigger_event: id };
  await call(rotor.engine, rotor.home.admin, contract.functions.register, register);
  const run = await rotor.trigger(id);
  const lease = "00000000-0000-4000-8000-000000000003";
  await rotor.sql`update run set status = 'running', lease = ${lease}, due_at = rotor_now() + interval '1 hour' where id = ${run}`;
  return { run, token: `${run}.${lease}` };
}

const record = (n: number, value: unknown): StepRecord => ({
  ...{ key: `k${n}`, name: `k${n}`, kind: "run", outcome: { ok: value }, attempt: 1, durationMs: 1 },
});

test("within one drive a run gets no more than 10,000 steps, and no more than 32 MB", async () => {
  const many = await heldRun("many");
  const send = async (token: string, from: number, count: number, value: unknown = 1) => {
    const steps = Array.from({ length: count }, (_, n) => record(from + n, value));
    const [answer] = (await rotor.engine.checkpoints({ checkpoints: [{ token, steps }] })).answers;
    return answer && "error" in answer ? answer.error.code : "ok";
  };
  for (let from = 0; from < 10_000; from += 5000) expect(await send(many.token, from, 5000)).toBe("ok");
  expect(await send(many.token, 10_000, 1)).toBe("STEP_TOO_LARGE");
  const heavy = await heldRun("heavy");
  for (let n = 0; n < 8; n++) expect(await send(heavy.token, n, 1, megabytes(3.9))).toBe("ok");
  expect(await send(heavy.token, 8, 1, megabytes(3.9))).toBe("STEP_TOO_LARGE");
  const [kept] = await rotor.sql`select count(*)::int as n from step where run_id = ${heavy.run}`;
  expect(kept?.n).toBe(8);
  expect(await send(heavy.token, 9, 1, megabytes(5))).toBe("STEP_TOO_LARGE");
}, 60_000);

const auditOf = async (run: string) =>
  (await call(rotor.engine, rotor.home.admin, contract.audit.list, { resource_id: run })).data;

test("a hook that fails or takes long is in the audit log, and the run stays as it ended", async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const onFailure = async () => {
    await held;
    throw new Error("slack is down");
  };
  await rotor.define({ id: "hooked", retries: 0, onFailure }, async () => {
    throw new Error("as it is");
  });
  const id = await rotor.trigger("hooked");
  await rotor.until(id, "failed");
  await expect
    .poll(async () => (await auditOf(id)).map(({ event_type }) => event_type))
    .toEqual(["workflow.hook.slow"]);
  release();
  const run = await rotor.until(id, ({ hookErrors }) => hookErrors.length > 0);
  expect(run).toMatchObject({ status: "failed", error: { message: "as it is" } });
  const [errored, slow] = await auditOf(id);
  expect(errored).toMatchObject({
    event_type: "workflow.hook.errored",
    actor_id: "system",
    metadata: { hook: "onFailure", error: { message: "slack is down" } },
  });
  expect(slow).toMatchObject({ metadata: { hook: "onFailure", running_ms: 20 } });
  expect(await call(rotor.engine, rotor.home.admin, contract.audit.verify, {})).toMatchObject({
    valid: true,
  });
});

test("a run that is cancelled before it began calls no hook", async () => {
  await rotor.define({ id: "unstarted", onCancel: () => {} }, async () => 1);
  const id = await rotor.trigger("unstarted");
  await rotor.sql`update run set status = 'pending', lease = null, started_at = null, ended_at = null, output = null,
    due_at = rotor_now() + interval '1 hour' where id = ${id}`;
  await call(rotor.engine, rotor.home.admin, contract.runs.cancel, { id });
  const [row] = await rotor.sql`select status, hook from run where id = ${id}`;
  expect(row).toEqual({ status: "cancelled", hook: null });
});

test("a workflow's versions are kept, and a run says by which ones it was driven", async () => {
  const nap = async ({ step }: { step: { sleep(id: string, time: string): Promise<void> } }) =>
    step.sleep("nap", "1h");
  await rotor.define({ id: "versioned" }, nap as never);
  const id = await rotor.trigger("versioned");
  await rotor.until(id, "sleeping");
  await rotor.define({ id: "versioned", retries: 7 }, nap as never);
  await rotor.moveClock("1 hour");
  expect(await rotor.until(id, "completed")).toMatchObject({ version_number: 1, versions: [1, 2] });
  const versions = () =>
    call(rotor.engine, rotor.home.admin, contract.functions.versions, { id: "versioned" });
  expect((await versions()).data).toMatchObject([
    { version_number: 2, retries: 7 },
    { version_number: 1, retries: 1 },
  ]);
  await call(rotor.engine, rotor.home.admin, contract.functions.archive, { id: "versioned" });
  expect((await versions()).data).toHaveLength(2);
  expect(
    await codeOf(call(rotor.engine, rotor.home.admin, contract.functions.trigger, { id: "versioned" })),
  ).toBe("WORKFLOW_NOT_FOUND");
  expect(await codeOf(call(rotor.engine, rotor.home.admin, contract.runs.replay, { id }))).toBe(
    "WORKFLOW_NOT_FOUND",
  );
});

test("another hash of the code is another version", async () => {
  const register = (content_hash: string) =>
    call(rotor.engine, rotor.home.admin, contract.functions.register, {
      ...{ id: "hashed", serve_url: rotor.url, trigger_event: "hashed", content_hash },
    });
  expect([await register("a1"), await register("a1"), await register("b2")]).toMatchObject([
    { version_number: 1, created: true },
    { version_number: 1 },
    { version_number: 2, content_hash: "b2" },
  ]);
});

async function smallWorkspace(executions: number) {
  const small = await rotor.createWorkspace("free");
  await call(rotor.engine, rotor.operator, contract.admin.updateWorkspace, {
    id: small.id,
    executions_per_month: executions,
  });
  await call(rotor.engine, small.admin, contract.functions.register, {
    ...{ id: "one", serve_url: rotor.url, trigger_event: "one" },
  });
  return small.callerFor({ role: "admin" });
}

test("a replay and a rerun are executions, and refused beyond the quota", async () => {
  const caller = await smallWorkspace(2);
  const { run_id } = await call(rotor.engine, caller, contract.functions.trigger, { id: "one" });
  const replay = () => codeOf(call(rotor.engine, caller, contract.runs.replay, { id: run_id as string }));
  expect([await replay(), await replay()]).toEqual(["ok", "QUOTA_EXCEEDED"]);
});

test("many runs are cancelled at once, and a dry run only counts them", async () => {
  await rotor.define({ id: "crowd" }, async ({ step }) => step.sleep("nap", "1d"));
  const ids = await Promise.all(Array.from({ length: 5 }, () => rotor.trigger("crowd")));
  const cancel = (input: object) =>
    call(rotor.engine, rotor.home.admin, contract.runs.cancelMany, { workflow: "crowd", ...input });
  expect(await cancel({ dry_run: true })).toEqual({ cancelled: 5, more: false });
  expect(await cancel({ ids: ids.slice(0, 2) })).toEqual({ cancelled: 2, more: false });
  expect(await cancel({})).toEqual({ cancelled: 3, more: false });
  for (const id of ids) expect(await rotor.get(id)).toMatchObject({ status: "cancelled" });
});

const counts = async (workspaceId: string) => {
  const [row] = await rotor.sql`select
    (select count(*)::int from run where workspace_id = ${workspaceId}) as runs,
    (select count(*)::int from step where workspace_id = ${workspaceId}) as steps,
    (select count(*)::int from waiter where workspace_id = ${workspaceId}) as waiters,
    (select count(*)::int from event where workspace_id = ${workspaceId}) as events`;
  return row;
};

test("runs and events go when their workspace's days are over; what is under way stays, unless the workspace is gone", async () => {
  const home = await rotor.createWorkspace("free");
  await call(rotor.engine, home.admin, contract.functions.register, {
    ...{ id: "kept", serve_url: rotor.url, trigger_event: "kept" },
  });
  const start = () => call(rotor.engine, home.admin, contract.functions.trigger, { id: "kept" });
  const [old, open] = [await start(), await start()];
  await call(rotor.engine, home.admin, contract.events.send, { name: "heard" });
  await rotor.sql`insert into step (run_id, key, workspace_id, name, kind, outcome, attempts, duration_ms, started_at, ended_at)
    values (${old.run_id}, 'k', ${home.id}, 'k', 'run', '{"ok":1}', 1, 1, rotor_now(), rotor_now())`;
  await rotor.sql`update run set status = 'completed', ended_at = rotor_now(), lease = null, due_at = null where id = ${old.run_id}`;
  await rotor.sql`update run set status = 'sleeping', lease = null, due_at = rotor_now() + interval '1 year' where id = ${open.run_id}`;
  await rotor.sql`insert into waiter (run_id, key, workspace_id, name, kind, due_at, created_at)
    values (${open.run_id}, 'nap', ${home.id}, 'nap', 'sleep', rotor_now() + interval '1 year', rotor_now())`;
  await rotor.moveClock("6 days");
  await purge(services);
  expect(await counts(home.id)).toEqual({ runs: 2, steps: 1, waiters: 1, events: 1 });
  await rotor.moveClock("2 days");
  await purge(services);
  expect(await counts(home.id)).toEqual({ runs: 1, steps: 0, waiters: 1, events: 0 });
  await call(rotor.engine, rotor.operator, contract.admin.deleteWorkspace, { id: home.id });
  await purge(services);
  expect(await counts(home.id)).toEqual({ runs: 0, steps: 0, waiters: 0, events: 0 });
});

test("large requests are sent in gzip to an app that says it reads it, signed as sent, and answers may come in gzip", async () => {
  const seen: { headers: IncomingHttpHeaders; body: Buffer }[] = [];
  const app = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    seen.push({ headers: request.headers, body: Buffer.concat(chunks) });
    const wait = { key: "nap", name: "nap", kind: "sleep", forMs: 3_600_000 };
    const result =
      seen.length === 1
        ? { state: "waiting", waits: [wait], steps: [record(1, "y".repeat(100_000))], asked: [] }
        : { state: "completed", output: "z".repeat(100_000), steps: [], asked: ["k1", "nap"] };
    response
      .writeHead(200, {
        "content-type": "application/json",
        "content-encoding": "gzip",
        "accept-encoding": "gzip",
      })
      .end(gzipSync(JSON.stringify(result)));
  });
  await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
  const serve_url = `http://127.0.0.1:${(app.address() as { port: number }).port}/`;
  await call(rotor.engine, rotor.home.admin, contract.functions.register, {
    id: "packed",
    serve_url,
    trigger_event: "p",
  });
  const id = await rotor.trigger("packed");
  await rotor.until(id, "sleeping");
  await rotor.moveClock("1 hour");
  expect((await rotor.until(id, "completed")).output).toHaveLength(100_000);
  const [first, second] = seen;
  expect(first?.headers["content-encoding"]).toBeUndefined();
  expect(second?.headers["content-encoding"]).toBe("gzip");
  const { body, headers } = second as (typeof seen)[0];
  expect(JSON.parse(gunzipSync(body).toString()).steps.k1.ok).toHaveLength(100_000);
  const { key } = await call(rotor.engine, rotor.home.admin, contract.signingKey.get, {});
  const signed = createHmac("sha256", key)
    .update(`${id}.${headers["x-rotor-timestamp"]}.`)
    .update(body)
    .digest("base64");
  expect(headers["x-rotor-signature"]).toBe(`v1,${signed}`);
  app.closeAllConnections();
  await new Promise((resolve) => app.close(resolve));
});
