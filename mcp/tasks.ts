// A run is a task: its id is the task's, Postgres keeps it, and whichever server is asked finds it there. Cancelling
// the task cancels the run; an approval it waits for is asked of the person at the client's end.

import {
  type CallToolResult,
  type ClientCapabilities,
  type InputRequests,
  inputResponse,
  MissingRequiredClientCapabilityError,
  type Server,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { type Call, contract, type Json, type Operation } from "@rotorsh/contract";
import { z } from "zod";
import {
  type ApprovalStep,
  approvalQuestion,
  approvalsOf,
  decisionOf,
  describeApproval,
} from "./decision.ts";
import { capabilitiesOf, elicitationOf, personOf } from "./person.ts";
import { guarded } from "./protocol-error.ts";
import type { Session } from "./server.ts";
import { show } from "./shown.ts";
import { outputSchemaOf } from "./tool-schema.ts";

const extension = "io.modelcontextprotocol/tasks";
export const taskExtension = { [extension]: {} };

export function wantsTasks(capabilities: ClientCapabilities | undefined): boolean {
  return (capabilities as { extensions?: Json } | undefined)?.extensions?.[extension] !== undefined;
}

type TaskStatus = "working" | "input_required" | "completed" | "failed" | "cancelled";
type Task = {
  taskId: string;
  status: TaskStatus;
  statusMessage?: string;
  createdAt: string;
  lastUpdatedAt: string;
  ttlMs: null;
  pollIntervalMs: number;
};
export type TaskResult = Task & { resultType: "task"; content: [] };

/** A run that this operation starts may be waited for by asking again. */
export function startsTask({ startsRun }: Operation): boolean {
  return startsRun === true;
}

/** Nobody waits within the call: the task is there to be asked for. */
export function toTaskInput({ input }: Operation, sent: Json): Json {
  return "wait_seconds" in input.shape ? { ...sent, wait_seconds: 0 } : sent;
}

/** The task of a run that was stored; undefined where one call started none, or several. */
export async function toTaskResult(
  call: Call,
  { run_id: id, runIds }: Json,
): Promise<TaskResult | undefined> {
  if (typeof id !== "string" || (runIds as string[]).length !== 1) return undefined;
  const run = await call(contract.runs.get, { id });
  return { ...toTask(run, "working"), resultType: "task", content: [] };
}

/** Throws for a client that does not say it knows tasks. */
export function needTasks(context: ServerContext): void {
  if (wantsTasks(capabilitiesOf(context))) return;
  throw new MissingRequiredClientCapabilityError({
    requiredCapabilities: { extensions: taskExtension } as ClientCapabilities,
  });
}

const params = z.object({ taskId: z.string() }).loose();

export function serveTasks(mcp: Server, session: Session): void {
  mcp.setRequestHandler("tasks/get", { params }, async ({ taskId }, context) => {
    needTasks(context);
    const run = await findRun(session, context, taskId);
    const mayDecide = session.permissions?.has("approve") ?? true;
    const canAsk = personOf(context, capabilitiesOf(context)).canBeAsked;
    return detailed(run, mayDecide && canAsk ? approvalsOf(run) : []) as Json;
  });
  mcp.setRequestHandler("tasks/cancel", { params }, async ({ taskId }, context) => {
    needTasks(context);
    await guarded(session, session.callFor(context)(contract.runs.cancel, { id: taskId }));
    return {};
  });
  mcp.setRequestHandler("tasks/update", { params }, async ({ taskId }, context) => {
    needTasks(context);
    await answer(session, taskId, context);
    return {};
  });
}

/** Decides what the person answered; what is not asked any more is left out. */
async function answer(session: Session, id: string, context: ServerContext): Promise<void> {
  const run = await findRun(session, context, id);
  const call = session.callFor(context, "asked a person");
  for (const step of approvalsOf(run)) {
    const view = inputResponse(context.mcpReq.inputResponses, keyOf(step));
    if (view.kind !== "elicit") continue;
    // Whoever closes the form has not decided; it is asked again with the next look.
    if (view.action !== "accept") continue;
    const decision = decisionOf({ operation: contract.runs.approve as Operation }, view.content ?? {});
    await guarded(session, call(contract.runs.approve, { id, signal: step.signal, ...decision }));
  }
}

/** Never used twice in a run: it is the step's own. */
function keyOf(step: ApprovalStep): string {
  return `approval:${step.id}`;
}

function statusOf({ status }: Json, asked: readonly ApprovalStep[]): TaskStatus {
  if (asked.length > 0) return "input_required";
  // A run that failed is a call that was answered: the result says isError.
  if (status === "completed" || status === "failed") return "completed";
  return status === "cancelled" ? "cancelled" : "working";
}

const pollMs = { soon: 1000, later: 5000 };

function toTask(run: Json, status: TaskStatus): Task {
  const since = (run.ended_at ?? run.started_at ?? run.created_at) as string;
  const waits = run.status === "sleeping" || run.status === "waiting";
  return {
    taskId: run.id as string,
    status,
    statusMessage: `The run of ${run.workflow} is ${run.status}.`,
    createdAt: run.created_at as string,
    lastUpdatedAt: since,
    // Ended runs are kept as long as the plan says.
    ttlMs: null,
    pollIntervalMs: waits ? pollMs.later : pollMs.soon,
  };
}

function detailed(run: Json, asked: readonly ApprovalStep[]): Task & Json {
  const status = statusOf(run, asked);
  const task = toTask(run, status);
  if (status === "input_required") return { ...task, inputRequests: questions(run, asked) };
  return status === "completed" ? { ...task, result: resultOf(run) } : task;
}

function questions(run: Json, asked: readonly ApprovalStep[]): InputRequests {
  return Object.fromEntries(
    asked.map((step) => {
      const text = describeApproval(run, step).slice(0, 2000);
      return [keyOf(step), elicitationOf(approvalQuestion(text))];
    }),
  );
}

const endSchema = outputSchemaOf(contract.functions.invoke.output);

/** What invoke_workflow would have answered. */
function resultOf(run: Json): CallToolResult {
  const { id, status, output, error } = run;
  const body = { runIds: [id], run_id: id, duplicate: false, status, output, error, next: null };
  const shown = show(endSchema, body, "detailed");
  const structuredContent = {
    ...shown.body,
    ...(shown.untrusted.length > 0 && { untrusted_data: shown.untrusted }),
    ...(shown.cut.length > 0 && {
      truncated: { fields: shown.cut, rest: `GET /v1/runs/${id} over REST shows all of it.` },
    }),
  };
  const content: CallToolResult["content"] = [{ type: "text", text: JSON.stringify(structuredContent) }];
  return { structuredContent, content, ...(status === "failed" && { isError: true }) };
}

function findRun(session: Session, context: ServerContext, id: string): Promise<Json> {
  return guarded(session, session.callFor(context)(contract.runs.get, { id }));
}
