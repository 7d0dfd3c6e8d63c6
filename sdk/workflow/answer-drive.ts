// What an app answers to one request to go on with a run.

import type { DriveRequest, DriveResult, StepErrorBody } from "@rotorsh/contract";
import { checkpointTo } from "./checkpoint.ts";
import { type DriveOptions, drive } from "./drive.ts";
import { toErrorBody } from "./errors.ts";
import type { WorkflowFunction } from "./types.ts";

export type AnswerOptions = Omit<DriveOptions, "checkpoint"> & {
  /** No new step later than this, even if the server would wait longer. */
  budgetMs?: number | undefined;
};

export async function answerDrive(
  fn: WorkflowFunction,
  request: DriveRequest,
  { budgetMs = Number.POSITIVE_INFINITY, ...options }: AnswerOptions = {},
): Promise<DriveResult> {
  if (request.hook) return callHook(fn, request, request.hook);
  const checkpoint = request.checkpoint && checkpointTo(request.checkpoint);
  const budgeted = { ...request, budgetMs: Math.min(budgetMs, request.budgetMs) };
  return drive(fn, budgeted, { ...options, checkpoint });
}

type Hook = NonNullable<DriveRequest["hook"]>;

/** The run has ended and stays so, whatever a hook does. */
async function callHook(
  { options }: WorkflowFunction,
  { run, event }: DriveRequest,
  { name, result, error }: Hook,
): Promise<DriveResult> {
  const ctx = { runId: run.id, functionId: run.workflow, attempt: run.attempt };
  const args = { ctx, event, result, ...(error && { error: toError(error) }) };
  try {
    await options[name]?.(args as never);
    return { state: "completed", output: null, steps: [], asked: [] };
  } catch (thrown) {
    return { state: "failed", error: toErrorBody(thrown), retryable: false, steps: [], asked: [] };
  }
}

function toError({ name, message, stack }: StepErrorBody): Error {
  return Object.assign(new Error(message), { name, ...(stack !== undefined && { stack }) });
}
