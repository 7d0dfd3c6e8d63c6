// From an answer or an error to an HTTP response.

import { isRotorError, RotorError } from "@rotorsh/contract";
import { type Answer, type RateState, Replayed } from "@rotorsh/engine";
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { setHeader } from "./headers.ts";
import { nodeHttpOf, sendJson } from "./node-http.ts";

const minuteSeconds = 60;
const unavailableRetrySeconds = 2;

export function respond(c: Context, { status, body, replayed }: Answer): Response {
  if (replayed) setHeader(c, "idempotent-replayed", "true");
  const node = nodeHttpOf(c);
  // Hono takes the body of an answer to HEAD away again.
  return node && c.req.method !== "HEAD"
    ? sendJson(node, status, body)
    : c.json(body, status as ContentfulStatusCode);
}

export function respondError(c: Context, cause: unknown, requestId: string): Response {
  const error = isRotorError(cause) ? cause : new RotorError("INTERNAL", {}, { cause });
  if (error instanceof Replayed) c.header("idempotent-replayed", "true");
  if (error.code === "UNAUTHENTICATED") c.header("www-authenticate", 'Bearer realm="rotor"');
  const retryAfter = retryAfterSeconds(error);
  if (retryAfter !== undefined) c.header("retry-after", String(retryAfter));
  if (error.code === "RATE_LIMITED") {
    setRateHeaders(c, {
      limit: Number(error.details.limit),
      remaining: 0,
      resetSeconds: retryAfter ?? minuteSeconds,
    });
  }
  return c.json(error.toBody(requestId), error.status as ContentfulStatusCode);
}

export function setRateHeaders(c: Context, rate: RateState): void {
  if (!rate) return;
  setHeader(c, "ratelimit-policy", `"workspace";q=${rate.limit};w=${minuteSeconds}`);
  setHeader(c, "ratelimit", `"workspace";r=${rate.remaining};t=${rate.resetSeconds}`);
}

function retryAfterSeconds({ code, details }: RotorError): number | undefined {
  if (code === "RATE_LIMITED") return Number(details.retry_after_seconds);
  if (code === "UNAVAILABLE") return unavailableRetrySeconds;
  if (code === "IDEMPOTENCY_IN_PROGRESS") return 1;
  return undefined;
}
