export type { CallOptions } from "@rotorsh/contract";
export { callOverHttp } from "./call.ts";
export type { ClientOf } from "./client.ts";
export {
  type ErrorBody,
  type ErrorCode,
  type ErrorDetails,
  type HeadersLike,
  isRotorError,
  NonRetriableError,
  parseIdempotencyKey,
  RetryAfterError,
  RotorError,
  RotorIdempotencyConflict,
  type RotorWebhookEvent,
  SignalTimeoutError,
  type SignatureOptions,
  StepError,
  unwrapRotorWebhook,
  verifyRotorSignature,
  WorkflowCancelledError,
  WorkflowFailedError,
  WorkflowTimeoutError,
} from "./errors.ts";
export { type HttpOptions, type Send, type SendOptions, sendOverHttp } from "./http.ts";
export { type HttpRequest, toRequest } from "./request.ts";
export { Rotor, type RotorOptions, type SendEventOptions } from "./rotor.ts";
export { type FollowOptions, follow, type StreamOf } from "./stream.ts";
export type { WorkerJob } from "./worker/job.ts";
export { RotorWorker, type RotorWorkerOptions } from "./worker/rotor-worker.ts";
export { serveWorkflow, workflowHandler, workflowListener, workflowRoute } from "./workflow/adapters.ts";
export { createFunction, workflow } from "./workflow/define.ts";
export type { ServeOptions } from "./workflow/endpoint.ts";
export { type Synced, type SyncOptions, syncWorkflows } from "./workflow/sync.ts";
export type {
  Context,
  FunctionOptions,
  Handler,
  HookContext,
  Hooks,
  Logger,
  StepTools,
  Stored,
  Trigger,
  WorkflowFunction,
} from "./workflow/types.ts";
