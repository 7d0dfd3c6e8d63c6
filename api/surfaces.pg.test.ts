// Every operation through every surface: REST, SDK, CLI and MCP answer the same, and refuse the same.

import { type Json, type Operation, pathParameters, routeOf, separated, statusOf } from "@rotorsh/contract";
import { type Sampled, sampledOperations, type Things } from "@rotorsh/engine/testing";
import { isRotorError, Rotor } from "@rotorsh/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { rotor } from "../cli/testing/terminal.ts";
import { connect, spawnStdio, type TestClient } from "../mcp/testing/clients.ts";
import { startTestServer, type TestServer } from "../mcp/testing/server.ts";

let server: TestServer;
let hosted: TestClient;
let stdio: TestClient;
let operator: TestClient;

beforeAll(async () => {
  server = await startTestServer();
  const env = { ROTOR_API_URL: server.url, PATH: process.env.PATH ?? "" };
  [hosted, stdio, operator] = await Promise.all([
    connect({ url: `${server.url}/mcp/x/all`, key: server.adminKey }),
    spawnStdio({ env: { ...env, ROTOR_API_KEY: server.adminKey } }),
    spawnStdio({ args: ["--admin"], env: { ...env, ROTOR_ADMIN_TOKEN: server.adminToken } }),
  ]);
});

afterAll(async () => {
  await Promise.all([hosted, stdio, operator].map((client) => client?.close()));
  await server?.close();
});

type Said = { ok: true; output: Json } | { ok: false; error: Json };
type Ask = (named: Sampled, input: Json) => Promise<Said>;

async function overRest({ operation }: Sampled, input: Json): Promise<Said> {
  const { method, path } = routeOf(operation);
  const inPath = pathParameters(operation);
  const rest = Object.fromEntries(Object.entries(input).filter(([name]) => !inPath.includes(name)));
  const address = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(input[name])));
  const inQuery = method === "GET" || method === "DELETE";
  const query = inQuery ? `?${new URLSearchParams(rest as Record<string, string>)}` : "";
  const key = operation.needs === "operate" ? server.adminToken : server.adminKey;
  const { status, body } = await server.rest(address + query, {
    method,
    key,
    ...(!inQuery && { body: rest }),
  });
  if (status >= 400) return { ok: false, error: body.error as Json };
  expect(status).toBe(statusOf(operation, body));
  return { ok: true, output: body };
}

async function overSdk({ noun, verb, operation }: Sampled, input: Json): Promise<Said> {
  const { url, adminKey: apiKey, adminToken } = server;
  const client = new Rotor({ url, apiKey, adminToken, maxRetries: 0 });
  const nouns = client as unknown as Record<string, Record<string, (...args: unknown[]) => Promise<Json>>>;
  const { positionals = [] } = operation;
  const rest = Object.fromEntries(Object.entries(input).filter(([name]) => !positionals.includes(name)));
  try {
    const method = nouns[noun]?.[verb] as (...args: unknown[]) => Promise<Json>;
    return { ok: true, output: await method(...positionals.map((name) => input[name]), rest) };
  } catch (error) {
    if (!isRotorError(error)) throw error;
    return { ok: false, error: error.toBody().error };
  }
}

async function overCli({ noun, verb, operation }: Sampled, input: Json): Promise<Said> {
  const words = operation.cli?.split(" ") ?? [separated(noun, "-"), separated(verb, "-")];
  // Without an input `rotor status` is a command of its own, which takes none.
  const given = Object.keys(input).length > 0 ? ["--input", JSON.stringify(input)] : [];
  const { stdout } = await rotor([...words, ...given, "--json", "--force"], {
    env: { ROTOR_API_URL: server.url, ROTOR_API_KEY: server.adminKey, ROTOR_ADMIN_TOKEN: server.adminToken },
  });
  const said = JSON.parse(stdout) as Json;
  // A run that failed has an error too, and no code.
  const refusal = said.error as Json | null | undefined;
  return refusal?.code ? { ok: false, error: refusal } : { ok: true, output: said };
}

/** Over one of the MCP servers; what only the tool adds is taken away. */
const overMcp =
  (client: () => TestClient, name: string): Ask =>
  async ({ operation: { impact }, name: operationName, operation }, input) => {
    const isRead = impact === "read";
    const said = await client().call(name, isRead ? { ...input, response_format: "detailed" } : input);
    const asked = said.isError ? errorOf(said.text) : undefined;
    const token = (asked?.details as Json | undefined)?.confirm_token;
    const { isError, text, structured } =
      token === undefined
        ? said
        : await client().call(name, { ...input, confirm: true, confirm_token: token });
    if (isError) return { ok: false, error: errorOf(text) };
    const output = withoutAdded(structured);
    if (isRead && !growing.has(operationName) && !operationName.startsWith("runs.")) {
      // A concise answer says less, and nothing else.
      expect(output).toMatchObject(withoutAdded((await client().call(name, input)).structured));
    }
    return { ok: true, output: listAsData(operation, output) };
  };

function withoutAdded({ next_actions: _, untrusted_data: __, truncated: ___, ...output }: Json): Json {
  return output;
}

/** The first line of an error is the body that REST would answer. */
function errorOf(text: string): Json {
  return (JSON.parse(text.split("\n")[0] as string) as { error: Json }).error;
}

/** On MCP a list carries the noun's name instead of `data`. */
function listAsData(operation: Operation, output: Json): Json {
  if (!operation.output.shape.data) return output;
  const name = Object.keys(output).find(
    (key) => key !== "nextCursor" && Array.isArray(output[key]),
  ) as string;
  const { [name]: data, ...rest } = output;
  return { data, ...rest };
}

/**
 * Said by other tools on MCP: set_queue_state covers two, and the operator's server lists the documented seven. The
 * four of a worker are for programs.
 */
const withoutTool = [
  "queues.pause",
  "queues.resume",
  "jobs.claim",
  "jobs.end",
  "jobs.extend",
  "jobs.handBack",
  "admin.createWorkspace",
  "admin.getWorkspace",
  "admin.updateWorkspace",
  "admin.deleteWorkspace",
  // Apps register themselves, and what an agent needs to know of one is in the list.
  "functions.register",
  "functions.get",
  "functions.versions",
  "functions.archive",
  "runs.cancelMany",
  "events.list",
  "events.get",
  "signals.complete",
  // A person who decides about many at once does it elsewhere.
  "approvals.decide",
  // A secret; no agent needs it.
  "signingKey.get",
  "signingKey.rotate",
];

const hasTool = ({ operation: { tools } }: Sampled) => Boolean(tools.hosted ?? tools.stdio ?? tools.admin);

function surfacesOf(named: Sampled): [string, Ask][] {
  const surfaces: [string, Ask][] = [
    ["rest", (one, input) => overRest(one, input)],
    ["sdk", overSdk],
    ["cli", overCli],
  ];
  const { tools } = named.operation;
  if (tools.hosted) surfaces.push(["mcp", overMcp(() => hosted, tools.hosted.name)]);
  if (tools.stdio) surfaces.push(["mcp stdio", overMcp(() => stdio, tools.stdio)]);
  if (tools.admin) surfaces.push(["mcp admin", overMcp(() => operator, tools.admin)]);
  return surfaces;
}

let made = 0;

async function makeThings(named: Sampled): Promise<Things> {
  const queue = `q${++made}`;
  const post = async (path: string, body: Json) => (await server.rest(path, { method: "POST", body })).body;
  if (!["queues.create", "queues.upsert"].includes(named.name)) await post("/v1/queues", { name: queue });
  const job = (await post(`/v1/queues/${queue}/jobs`, { delay: "1h" })).id as string;
  const key = (await post("/v1/api-keys", { label: "made" })).id as string;
  const member = (await post("/v1/members", { email: `made${made}@example.com` })).id as string;
  // A replay needs dead letters; that there is none must be said the same way everywhere too.
  const replay = `rpl_${"0".repeat(32)}`;
  const workflow = `w${made}`;
  const serve_url = "https://app.example.com/api/rotor";
  if (named.name !== "functions.register") {
    await post("/v1/functions", { id: workflow, serve_url, trigger_event: `made.${made}` });
  }
  const rule = { queue, name: `s${made}`, cron: "0 0 1 1 *", timezone: "UTC" };
  const schedule = (await post("/v1/schedules", rule)).id as string;
  const run =
    ((await post(`/v1/functions/${workflow}/trigger`, {})).run_id as string | undefined) ?? "run_none";
  const event =
    named.name === "events.send" ? `e${made}` : ((await post("/v1/events", { name: "made" })).id as string);
  const workspace = await makeWorkspace(named);
  return {
    queue,
    job,
    replay,
    key,
    member,
    workspace,
    workflow,
    schedule,
    run,
    event,
    signal: "unknown",
    approval: await makeApproval(),
  };
}

async function makeApproval(): Promise<string> {
  const gated = `q${++made}`;
  const post = (path: string, body: Json) => server.rest(path, { method: "POST", body });
  await post("/v1/queues", { name: gated, approval_required: true });
  await post(`/v1/queues/${gated}/jobs`, { payload: { a: 1 } });
  const { body } = await server.rest(`/v1/approvals?queue=${gated}`, {});
  return (body.approvals as { id: string }[])[0]?.id as string;
}

async function makeWorkspace({ noun }: Sampled): Promise<string> {
  if (noun !== "admin") return "ws_default";
  const body = { name: "made", owner_email: "made@example.com" };
  const request = { method: "POST", body, key: server.adminToken };
  return (await server.rest("/admin/workspaces", request)).body.id as string;
}

/** What differs between two equal calls: ids, times, secrets, counts of what was made so far. */
function normalise(value: unknown): unknown {
  const text = JSON.stringify(value, withoutProgress)
    .replaceAll(/\b(ws|team|key|mem|job|req|run|evt|apv|sched|sr)_(?!default)[0-9A-Za-z]{20,32}\b/g, "<$1>")
    .replaceAll(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, "<uuid>")
    .replaceAll(/\b[0-9a-f]{64}\b/g, "<hash>")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<time>")
    .replaceAll(/\b(rt_ws_|rt_q_|whsec_)[0-9A-Za-z_]+/g, "<$1>")
    .replaceAll(/"(seq|last_seq|checked|used)":\d+/g, '"$1":0')
    .replaceAll(/"last4":"\w+"/g, '"last4":"…"')
    .replaceAll(/"version":"[0-9a-f]{16}"/g, '"version":"…"')
    // Somebody drives the run meanwhile, and finds no app.
    .replaceAll(/"status":"(pending|running|waiting)"/g, '"status":"open"')
    .replaceAll(/\brt_sign_\w+/g, "<signing key>")
    .replaceAll(/\bq\d+\b/g, "<queue>")
    .replaceAll(/\b(w|e|s|made\.)\d+\b/g, "<$1>")
    .replaceAll(/made\d+@/g, "made@");
  return JSON.parse(text);
}

/** How far a run has come, and how its drive went: that differs from one look to the next. */
function withoutProgress(name: string, field: unknown): unknown {
  if (["started_at", "due_at", "next", "next_attempt_at", "timings", "versions"].includes(name)) return "…";
  if (["summary", "causes"].includes(name)) return "…";
  // What was asked through is told by those who keep it.
  if (["surface", "client"].includes(name)) return "…";
  const isDriveError = name === "error" && (field as { name?: string } | null)?.name === "DriveError";
  return isDriveError ? null : field;
}

/** Lists and counts show everything made so far, so that only their shape can be the same. */
const growing = new Set([
  "guardrails.get",
  "guardrails.update",
  "guardrails.appendDnc",
  "queues.list",
  "functions.list",
  "apiKeys.list",
  "members.list",
  "admin.listWorkspaces",
  "audit.verify",
  "usage.current",
  "functions.list",
  "runs.list",
  "schedules.list",
  "events.list",
  "approvals.list",
  // Its throughput falls from one moment to the next.
  "queues.stats",
]);

function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (value === null || typeof value !== "object") return value === null ? "string" : typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, shapeOf(field)]));
}

test("an operation without a tool is one that another tool covers", () => {
  const toolless = sampledOperations.filter((named) => !hasTool(named)).map(({ name }) => name as string);
  expect(toolless.sort()).toEqual([...withoutTool].sort());
});

test.each(sampledOperations.map((named) => [named.name, named] as const))(
  "%s answers the same on every surface",
  async (name, named) => {
    const answers: Record<string, unknown> = {};
    for (const [surface, ask] of surfacesOf(named)) {
      const said = await ask(named, named.sample(await makeThings(named)) as Json);
      const clean = normalise(said);
      answers[surface] = growing.has(name) ? shapeOf(clean) : clean;
    }
    const { rest, ...others } = answers;
    for (const [surface, answer] of Object.entries(others))
      expect({ [surface]: answer }).toEqual({ [surface]: rest });
  },
);

test.each(sampledOperations.map((named) => [named.name, named] as const))(
  "%s refuses an unknown field the same on every surface",
  async (_name, named) => {
    const things = await makeThings(named);
    const answers: Record<string, unknown> = {};
    for (const [surface, ask] of surfacesOf(named)) {
      // `rotor status` takes flags of its own and no fields.
      if (surface === "cli" && named.name === "status.get") continue;
      const said = await ask(named, { ...named.sample(things), nmae: "x" } as Json);
      expect(said.ok, surface).toBe(false);
      answers[surface] = withoutRequest(said);
    }
    const { rest, ...others } = answers;
    expect(rest).toMatchObject({ code: "INVALID_INPUT" });
    for (const [surface, answer] of Object.entries(others))
      expect({ [surface]: answer }).toEqual({ [surface]: rest });
  },
);

function withoutRequest(said: Said): unknown {
  if (said.ok) return said.output;
  const { request_id: _, ...error } = said.error;
  return error;
}
