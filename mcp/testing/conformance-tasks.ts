// Tasks as the conformance suite asks for them. Ours are runs; these are timers, on the same three methods.

import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  inputRequired,
  type McpServer,
  ProtocolError,
  ProtocolErrorCode,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import { needTasks, wantsTasks } from "../tasks.ts";

type Task = {
  taskId: string;
  status: string;
  createdAt: string;
  lastUpdatedAt: string;
  ttlMs: number;
  pollIntervalMs: number;
  inputRequests?: Record<string, unknown>;
  result?: object;
  error?: object;
};

const tasks = new Map<string, Task & { answers: Record<string, unknown>; done(answers: object): object }>();

const text = (said: string) => ({ content: [{ type: "text" as const, text: said }] });

function create(
  context: ServerContext,
  status: string,
  changes: Partial<Task>,
  done: (answers: object) => object = () => ({}),
) {
  const now = new Date().toISOString();
  const task = {
    taskId: crypto.randomUUID(),
    status,
    createdAt: now,
    lastUpdatedAt: now,
    ttlMs: 60_000,
    pollIntervalMs: 100,
  };
  tasks.set(task.taskId, { ...task, ...changes, answers: {}, done });
  void context;
  return { ...task, resultType: "task", content: [] };
}

function end(taskId: string, changes: Partial<Task>): void {
  const task = tasks.get(taskId);
  if (task?.status === "working") Object.assign(task, changes, { lastUpdatedAt: new Date().toISOString() });
}

function after(seconds: number, created: { taskId: string }, changes: Partial<Task>) {
  setTimeout(() => end(created.taskId, changes), seconds * 1000).unref();
  return created;
}

const knows = ({ mcpReq }: ServerContext) =>
  wantsTasks(
    (mcpReq.envelope as Record<string, unknown> | undefined)?.[
      CLIENT_CAPABILITIES_META_KEY
    ] as ClientCapabilities,
  );

const ask = (name: string, type: string) =>
  inputRequired.elicit({
    message: name,
    requestedSchema: { type: "object", properties: { [name]: { type } }, required: [name] } as never,
  });

const contentOf = (answers: object, key: string) =>
  acceptedContent<Record<string, unknown>>(answers as Record<string, unknown>, key) ?? {};

type Fixture = (args: Record<string, unknown>, context: ServerContext) => object;

const fixtures: Record<string, Fixture> = {
  greet: ({ name }) => text(`Hello, ${String(name)}!`),
  slow_compute({ seconds }, context) {
    const result = text(`computed in ${Number(seconds)}`);
    if (!knows(context) || Number(seconds) === 0) return result;
    return after(Number(seconds), create(context, "working", {}), { status: "completed", result });
  },
  failing_job: (_, context) =>
    after(1, create(context, "working", {}), {
      status: "completed",
      result: { ...text("It failed"), isError: true },
    }),
  protocol_error_job: (_, context) =>
    after(0.5, create(context, "working", {}), {
      status: "failed",
      error: { code: -32603, message: "It broke" },
    }),
  confirm_delete: ({ filename }, context) =>
    create(context, "input_required", { inputRequests: { confirm: ask("confirm", "boolean") } }, (answers) =>
      text(contentOf(answers, "confirm").confirm === true ? `deleted ${String(filename)}` : "kept"),
    ),
  multi_input: (_, context) =>
    create(
      context,
      "input_required",
      { inputRequests: { first: ask("first", "string"), second: ask("second", "string") } },
      () => text("both"),
    ),
  test_tool_with_task(_, context) {
    const name = acceptedContent<{ name: string }>(context.mcpReq.inputResponses, "user_name")?.name;
    if (name === undefined) return inputRequired({ inputRequests: { user_name: ask("name", "string") } });
    return after(0.2, create(context, "working", {}), {
      status: "completed",
      result: text(`Hello, ${name}!`),
    });
  },
};

/** Those that are tasks for everyone, or nothing. */
const required = new Set([
  "failing_job",
  "protocol_error_job",
  "confirm_delete",
  "multi_input",
  "test_tool_with_task",
]);

export function registerTaskFixtures(server: McpServer): void {
  for (const [name, fixture] of Object.entries(fixtures)) {
    server.registerTool(name, { description: name, inputSchema: z.looseObject({}) }, ((
      args: Record<string, unknown>,
      context: ServerContext,
    ) => fixture(args, context)) as never);
  }
  // An error that a tool throws is its result; this one is the protocol's.
  const handlers = (
    server.server as unknown as { _requestHandlers: Map<string, (request: never, context: never) => unknown> }
  )._requestHandlers;
  const callTool = handlers.get("tools/call");
  handlers.set("tools/call", (request: never, context: never) => {
    const { name } = (request as { params: { name: string } }).params;
    if (required.has(name)) needTasks(context as ServerContext);
    return callTool?.(request, context);
  });
  const params = z.looseObject({ taskId: z.string() });
  server.server.setRequestHandler("tasks/get", { params }, ({ taskId }, context) => {
    needTasks(context);
    return shown(find(taskId)) as never;
  });
  server.server.setRequestHandler("tasks/cancel", { params }, ({ taskId }, context) => {
    needTasks(context);
    const task = find(taskId);
    if (["working", "input_required"].includes(task.status)) task.status = "cancelled";
    return {};
  });
  server.server.setRequestHandler("tasks/update", { params }, ({ taskId }, context) => {
    needTasks(context);
    const { mcpReq } = context;
    const task = find(taskId);
    const open = task.inputRequests ?? {};
    for (const [key, answer] of Object.entries(mcpReq.inputResponses ?? {})) {
      if (!(key in open)) continue;
      task.answers[key] = answer;
      delete open[key];
    }
    if (task.status === "input_required" && Object.keys(open).length === 0)
      Object.assign(task, { status: "completed", result: task.done(task.answers) });
    return {};
  });
}

function find(taskId: string) {
  const task = tasks.get(taskId);
  if (!task) throw new ProtocolError(ProtocolErrorCode.InvalidParams, "There is no such task");
  return task;
}

function shown({ answers: _, done: __, inputRequests, ...task }: ReturnType<typeof find>): object {
  return { ...task, ...(task.status === "input_required" && { inputRequests }) };
}
