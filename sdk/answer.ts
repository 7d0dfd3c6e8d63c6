// From an HTTP response to an output or a RotorError. Whatever answered may be a proxy, or a newer server.

import { type ErrorCode, type ErrorDetails, errorTable, type Json, RotorError } from "@rotorsh/contract";
import { receivedError } from "./errors.ts";
import { retryAfterMs } from "./retry.ts";

export async function readOutput(response: Response): Promise<Json> {
  const body = parseJson(await response.text());
  if (typeof body === "object" && body !== null) return body as Json;
  throw badResponse(response, "its answer is not JSON");
}

export async function readError(response: Response): Promise<RotorError> {
  const error = errorIn(parseJson(await response.text()));
  const { status } = response;
  if (error === undefined) return badResponse(response, problemOf(response));
  if (!isKnown(error.code)) {
    const { code, message } = error;
    return badResponse(response, `${status} ${code}${message ? `: ${message}` : ""}`, { code });
  }
  return receivedError({
    code: error.code,
    message: error.message,
    hint: error.hint,
    details: { ...error.details, ...waitOf(response) },
    requestId: error.request_id ?? requestIdOf(response),
  });
}

type WireError = {
  code: string;
  message?: string;
  hint?: string;
  details?: ErrorDetails;
  request_id?: string;
};

function errorIn(body: unknown): WireError | undefined {
  const error = (body as { error?: unknown } | null | undefined)?.error;
  const isError = typeof error === "object" && error !== null && "code" in error;
  return isError && typeof error.code === "string" ? (error as WireError) : undefined;
}

function isKnown(code: string): code is ErrorCode {
  return Object.hasOwn(errorTable, code);
}

function problemOf({ status, headers }: Response): string {
  const location = headers.get("location");
  if (status >= 300 && status < 400 && location) return `it redirects to ${location}`;
  return `status ${status} without an error of Rotor's form`;
}

function badResponse(response: Response, problem: string, more: ErrorDetails = {}): RotorError {
  const url = response.url ? new URL(response.url).origin : "this address";
  const details = { url, problem, status: response.status, ...more, ...waitOf(response) };
  const error = new RotorError("BAD_RESPONSE", details);
  error.requestId = requestIdOf(response);
  return error;
}

/** The hint says to wait as long as Retry-After says, so callers must be able to see it. */
function waitOf({ headers }: Response): ErrorDetails {
  const wait = retryAfterMs(headers.get("retry-after"), Date.now());
  return wait === undefined ? {} : { retry_after_seconds: Math.ceil(wait / 1000) };
}

function requestIdOf({ headers }: Response): string | undefined {
  return headers.get("x-request-id") ?? undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
