// Which error codes an operation can answer with: its own, and those that come with how it is called.

import { type ErrorCode, errorCodes, isRead, type Operation, routeOf } from "@rotorsh/contract";

const ofTheKey: readonly ErrorCode[] = [
  "WORKSPACE_REQUIRED",
  "WORKSPACE_MISMATCH",
  "WORKSPACE_NOT_FOUND",
  "WORKSPACE_SUSPENDED",
  "ADDRESS_REFUSED",
  "RATE_LIMITED",
];

const ofTheBody: readonly ErrorCode[] = ["INVALID_JSON", "PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"];

const ofTheIdempotencyKey: readonly ErrorCode[] = [
  "INVALID_IDEMPOTENCY_KEY",
  "IDEMPOTENCY_IN_PROGRESS",
  "IDEMPOTENCY_KEY_REUSED",
];

const ofAnyCall: readonly ErrorCode[] = [
  "INVALID_INPUT",
  "UNAUTHENTICATED",
  "FORBIDDEN",
  "INTERNAL",
  "UNAVAILABLE",
];

/** Every code an operation can answer with, in the order of the table of errors. */
export function errorsOf(operation: Operation): ErrorCode[] {
  const forOperator = operation.needs === "operate";
  const possible = new Set<ErrorCode>([
    ...operation.errors,
    ...ofAnyCall,
    ...(forOperator ? [] : ofTheKey),
    ...(forOperator || operation.queueKeys ? [] : (["KEY_TIER_REFUSED"] as const)),
    ...(routeOf(operation).method === "GET" ? [] : ofTheBody),
    ...(isRead(operation) ? [] : ofTheIdempotencyKey),
  ]);
  return errorCodes.filter((code) => possible.has(code));
}
