export type { CallOptions } from "@rotorsh/contract";
export { callOverHttp } from "./call.ts";
export type { ClientOf } from "./client.ts";
export {
  type ErrorBody,
  type ErrorCode,
  type ErrorDetails,
  type HeadersLike,
  isRotorError,
  parseIdempotencyKey,
  RotorError,
  RotorIdempotencyConflict,
  type RotorWebhookEvent,
  type SignatureOptions,
  unwrapRotorWebhook,
  verifyRotorSignature,
} from "./errors.ts";
export { type HttpOptions, type Send, type SendOptions, sendOverHttp } from "./http.ts";
export { type HttpRequest, toRequest } from "./request.ts";
export { Rotor, type RotorOptions } from "./rotor.ts";
export { type FollowOptions, follow, type StreamOf } from "./stream.ts";
export type { WorkerJob } from "./worker/job.ts";
export { RotorWorker, type RotorWorkerOptions } from "./worker/rotor-worker.ts";
