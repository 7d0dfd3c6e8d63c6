// Everything that can go wrong, and what checks that a request really came from Rotor.
// One class with many codes; a subclass exists only where users were promised one.

import { type ErrorCode, type ErrorDetails, RotorError } from "@rotorsh/contract";
import { type HeadersLike, headerOf } from "./headers.ts";

export {
  type ErrorBody,
  type ErrorCode,
  type ErrorDetails,
  isRotorError,
  RotorError,
} from "@rotorsh/contract";
export type { HeadersLike } from "./headers.ts";
export { type SignatureOptions, unwrapRotorWebhook, verifyRotorSignature } from "./signature.ts";
export type { RotorWebhookEvent } from "./webhook-event.ts";
export {
  NonRetriableError,
  RetryAfterError,
  SignalTimeoutError,
  StepError,
  WorkflowCancelledError,
  WorkflowFailedError,
  WorkflowTimeoutError,
} from "./workflow/errors.ts";

/** In strict mode: a job with this id exists already. Code `IDEMPOTENCY_CONFLICT`. */
export class RotorIdempotencyConflict extends RotorError {
  override readonly name = "RotorIdempotencyConflict";
}

type ErrorClass = new (...args: ConstructorParameters<typeof RotorError>) => RotorError;

const classes: Record<string, ErrorClass> = { IDEMPOTENCY_CONFLICT: RotorIdempotencyConflict };

export function errorClassOf(code: string): ErrorClass {
  return (Object.hasOwn(classes, code) && classes[code]) || RotorError;
}

export type ReceivedError = {
  code: ErrorCode;
  message?: string | undefined;
  hint?: string | undefined;
  details?: ErrorDetails | undefined;
  requestId?: string | undefined;
};

/** Builds the error a server told of, in the server's own words: it may be newer than this client. */
export function receivedError({ code, message, hint, details, requestId }: ReceivedError): RotorError {
  const error = new (errorClassOf(code))(code, details ?? {}, hint === undefined ? {} : { hint });
  if (message !== undefined) error.message = message;
  error.requestId = requestId;
  return error;
}

const keyForm = /^[\x20-\x7e]{1,255}$/;

/** The Idempotency-Key of a request, if it has one; throws INVALID_IDEMPOTENCY_KEY if it cannot be one. */
export function parseIdempotencyKey(headers: HeadersLike): string | undefined {
  const key = headerOf(headers, "idempotency-key");
  if (key === undefined) return undefined;
  if (!keyForm.test(key) || key.trim() === "") throw new RotorError("INVALID_IDEMPOTENCY_KEY");
  return key;
}
