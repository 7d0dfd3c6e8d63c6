// Errors of workflow code: those a step throws to steer its retries, and those a step call throws.

import type { StepErrorBody as ErrorBody } from "@rotorsh/contract";

/** Thrown in a step or function: trying again is pointless. */
export class NonRetriableError extends Error {
  override readonly name: string = "NonRetriableError";
}

/** Thrown in a step or function: try again, but not before so long. */
export class RetryAfterError extends Error {
  override readonly name: string = "RetryAfterError";
  readonly retryAfterMs: number;

  constructor(message: string, retryAfter: number | Date, options?: ErrorOptions) {
    super(message, options);
    this.retryAfterMs = retryAfter instanceof Date ? retryAfter.getTime() - Date.now() : retryAfter;
  }
}

/** What a step call throws when the step has failed for good. */
export class StepError extends Error {
  override readonly name: string = "StepError";
  readonly stepId: string;

  constructor(stepId: string, { name, message }: ErrorBody) {
    super(message, { cause: Object.assign(new Error(message), { name }) });
    this.stepId = stepId;
  }
}

/** What `step.invoke` throws. */
class ChildError extends Error {
  readonly runId: string | undefined;

  constructor(message: string, runId?: string) {
    super(message);
    this.runId = runId;
  }
}

/** The child ended in failure. */
export class WorkflowFailedError extends ChildError {
  override readonly name: string = "WorkflowFailedError";
}

/** The parent waited long enough; the child goes on. */
export class WorkflowTimeoutError extends ChildError {
  override readonly name: string = "WorkflowTimeoutError";
}

/** Somebody cancelled the child. */
export class WorkflowCancelledError extends ChildError {
  override readonly name: string = "WorkflowCancelledError";
}

/** No signal came in time. */
export class SignalTimeoutError extends Error {
  override readonly name: string = "SignalTimeoutError";
}

const childErrors: Record<string, new (message: string, runId?: string) => ChildError> = {
  WorkflowFailedError,
  WorkflowTimeoutError,
  WorkflowCancelledError,
};

/** The error a stored failure becomes again: the same class at every replay. */
export function toThrown(stepId: string, body: ErrorBody): Error {
  const child = Object.hasOwn(childErrors, body.name) ? childErrors[body.name] : undefined;
  if (child) return new child(body.message, body.data?.runId as string | undefined);
  if (body.name === "SignalTimeoutError") return new SignalTimeoutError(body.message);
  return new StepError(stepId, body);
}

const longestMessage = 4000;
const longestStack = 8000;

/** Anything can be thrown, also a string. */
export function toErrorBody(thrown: unknown): ErrorBody {
  if (!(thrown instanceof Error)) {
    return { name: "Error", message: `Something that is no Error was thrown: ${inWords(thrown)}` };
  }
  const message = thrown.message.slice(0, longestMessage);
  return { name: thrown.name, message, ...(thrown.stack && { stack: thrown.stack.slice(0, longestStack) }) };
}

/** By name: the package may be installed twice. */
export function isNonRetriable(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === "NonRetriableError";
}

export function retryAfterMs(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || thrown.name !== "RetryAfterError") return undefined;
  const ms = (thrown as RetryAfterError).retryAfterMs;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

function inWords(value: unknown): string {
  try {
    return typeof value === "string"
      ? value.slice(0, 200)
      : (JSON.stringify(value) ?? String(value)).slice(0, 200);
  } catch {
    return typeof value;
  }
}
