// T-1 from outside: over REST and MCP, another workspace's thing is answered exactly as one that does not exist.

import { type Json, pathParameters, routeOf } from "@rotorsh/contract";
import { type Sampled, sampledOperations, type Things } from "@rotorsh/engine/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect, type TestClient } from "../mcp/testing/clients.ts";
import { type RawAnswer, rpc, tasks } from "../mcp/testing/raw.ts";
import { startTestServer, type TestServer } from "../mcp/testing/server.ts";

let server: TestServer;
let mcp: TestClient;
let foreign: Things;
let foreignKey: string;
const unknown: Things = {
  queue: "no-such-queue",
  job: "job_unknown",
  replay: "rpl_unknown",
  key: "key_unknown",
  member: "mem_unknown",
  workspace: "ws_unknown",
  schedule: "sched_unknown",
  workflow: "no-such-workflow",
  run: "run_unknown",
  event: "evt_unknown",
  signal: "no-such-signal",
  approval: `apv_${"0".repeat(32)}`,
};

beforeAll(async () => {
  server = await startTestServer();
  mcp = await connect({ url: `${server.url}/mcp/x/all`, key: server.adminKey });
  foreign = await makeForeign();
});

afterAll(async () => {
  await mcp?.close();
  await server?.close();
});

/** One of each thing, in a workspace that the callers of this test have no part in. */
async function makeForeign(): Promise<Things> {
  const post = async (path: string, key: string, body: Json) =>
    (await server.rest(path, { method: "POST", key, body })).body as { id: string; key: string };
  const stranger = { name: "stranger", plan: "unlimited", owner_email: "s@example.com" };
  const { id: workspace, key } = await post("/admin/workspaces", server.adminToken, stranger);
  foreignKey = key;
  await post("/v1/queues", key, { name: "of-the-stranger" });
  const job = await post("/v1/queues/of-the-stranger/jobs", key, { delay: "1h" });
  const made = await post("/v1/api-keys", key, { label: "theirs" });
  const member = await post("/v1/members", key, { email: "theirs@example.com" });
  const rule = { queue: "of-the-stranger", cron: "@yearly", timezone: "UTC" };
  const { id: schedule } = await post("/v1/schedules", key, rule);
  const workflow = "their-workflow";
  const registered = { serve_url: "https://app.example.com/api/rotor", trigger_event: "theirs.made" };
  await post("/v1/functions", key, { id: workflow, ...registered });
  const event = await post("/v1/events", key, { name: "theirs.made" });
  const { run_id: run } = (await post(`/v1/functions/${workflow}/trigger`, key, {})) as unknown as Json;
  await post("/v1/queues", key, { name: "gated-by-them", approval_required: true });
  await post("/v1/queues/gated-by-them/jobs", key, {});
  const { approvals } = (await server.rest("/v1/approvals", { key })).body as { approvals: { id: string }[] };
  return {
    ...unknown,
    schedule,
    workflow,
    event: event.id,
    run: run as string,
    approval: approvals[0]?.id as string,
    queue: "of-the-stranger",
    job: job.id,
    key: made.id,
    member: member.id,
    workspace,
  };
}

// An upsert makes a queue of one's own; the engine's test of tenancy tries that.
const aboutOneThing = sampledOperations.filter(
  ({ operation, name }) =>
    operation.needs !== "operate" && pathParameters(operation).length > 0 && name !== "queues.upsert",
);

async function overRest({ operation, sample }: Sampled, things: Things): Promise<[number, Json]> {
  const { method, path } = routeOf(operation);
  const input = sample(things) as Json;
  const inPath = pathParameters(operation);
  const rest = Object.fromEntries(Object.entries(input).filter(([name]) => !inPath.includes(name)));
  const inQuery = method === "GET" || method === "DELETE";
  const query = inQuery ? `?${new URLSearchParams(rest as Record<string, string>)}` : "";
  const address = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(input[name])));
  const { status, body } = await server.rest(address + query, { method, ...(!inQuery && { body: rest }) });
  return [status, body.error as Json];
}

async function overMcp({ operation, sample }: Sampled, things: Things): Promise<Json> {
  const { hosted } = operation.tools;
  const args = { ...sample(things), ...(operation.impact === "destroy" && { confirm: true }) };
  const { isError, text } = await mcp.call(hosted?.name as string, args);
  expect(isError).toBe(true);
  return (JSON.parse(text.split("\n")[0] as string) as { error: Json }).error;
}

/** Without the request's id, and the names of the things it was about taken out. */
function anonymous(answer: unknown, things: Things): unknown {
  const text = JSON.stringify(answer).replaceAll(/"request_id":"[^"]*"/g, '"request_id":"…"');
  return JSON.parse(Object.values(things).reduce((left, name) => left.replaceAll(name, "…"), text));
}

test.each(aboutOneThing.map((sampled) => [sampled.name, sampled] as const))(
  "T-1: %s answers of a stranger's thing as of none, with 404",
  async (_, sampled) => {
    const [status, error] = await overRest(sampled, foreign);
    expect(status).toBe(404);
    expect(anonymous(error, foreign)).toEqual(anonymous((await overRest(sampled, unknown))[1], unknown));
    if (!sampled.operation.tools.hosted) return;
    const told = anonymous(await overMcp(sampled, foreign), foreign);
    expect(told).toEqual(anonymous(error, foreign));
    expect(told).toEqual(anonymous(await overMcp(sampled, unknown), unknown));
  },
);

test("T-1: a stranger's run is no task, and a stranger's things are no resources, and no values to complete", async () => {
  const ask = (method: string, params: Json) =>
    rpc({ url: `${server.url}/mcp`, key: server.adminKey, method, params, capabilities: tasks });
  for (const method of ["tasks/get", "tasks/cancel", "tasks/update"]) {
    const theirs = await ask(method, { taskId: foreign.run });
    expect(theirs.error).toMatchObject({ data: { code: "RUN_NOT_FOUND" } });
    const none = await ask(method, { taskId: unknown.run });
    expect(anonymous(theirs.error, foreign)).toEqual(anonymous(none.error, unknown));
  }
  for (const kind of ["queue", "run", "workflow"] as const) {
    const theirs = await ask("resources/read", { uri: `rotor://${kind}s/${foreign[kind]}` });
    expect(theirs.error).toMatchObject({ data: { code: expect.stringMatching(/_NOT_FOUND$/) } });
    const none = await ask("resources/read", { uri: `rotor://${kind}s/${unknown[kind]}` });
    expect(anonymous(theirs.error, foreign)).toEqual(anonymous(none.error, unknown));
  }
  const listed = await ask("resources/list", {});
  for (const name of Object.values(foreign)) expect(JSON.stringify(listed.result)).not.toContain(name);
  for (const uri of ["rotor://queues/{name}", "rotor://workflows/{id}", "rotor://runs/{id}"]) {
    const { result } = await ask("completion/complete", {
      ref: { type: "ref/resource", uri },
      argument: { name: uri.includes("queue") ? "name" : "id", value: "" },
    });
    const { values } = result.completion as { values: string[] };
    for (const name of Object.values(foreign)) expect(values).not.toContain(name);
  }
  const { body } = await server.rest<Json>(`/v1/runs/${foreign.run}`, { key: foreignKey });
  expect(body.status).not.toBe("cancelled");
});

test("M-1: a token of a preview is good in its own workspace only", async () => {
  const name = "of-the-stranger";
  await server.rest("/v1/queues", { method: "POST", body: { name } });
  const drain = (key: string, more: Json = {}) =>
    rpc({
      url: `${server.url}/mcp`,
      key,
      method: "tools/call",
      params: { name: "drain_queue", arguments: { name, ...more } },
    });
  const textOf = ({ result }: RawAnswer) => (result.content as { text: string }[])[0]?.text ?? "";
  const [line = ""] = textOf(await drain(foreignKey)).split("\n");
  const { confirm_token } = (JSON.parse(line) as { error: { details: Json } }).error.details;
  const confirmed = { confirm: true, confirm_token };
  expect(textOf(await drain(server.adminKey, confirmed))).toContain("CONFIRMATION_STALE");
  expect((await drain(foreignKey, confirmed)).result).toMatchObject({ structuredContent: { drained: 0 } });
});
