// What an HTTP response, or the lack of one, means for an attempt.

import type { AttemptOutcome } from "./job.ts";

/** The largest result that is kept on the job. */
export const resultLimitBytes = 64 * 1024;

export type Delivered =
  | { kind: "response"; status: number; body: string; retryAfterMs?: number | undefined }
  | { kind: "timeout" | "refused" | "connection" | "tls" | "protocol"; message: string };

export function outcomeOf(delivered: Delivered): AttemptOutcome {
  if (delivered.kind !== "response")
    return { kind: "failed", reason: delivered.kind, message: delivered.message };
  const { status, body, retryAfterMs } = delivered;
  if (status >= 200 && status < 300) return { kind: "succeeded", result: jsonOrNull(body) };
  return {
    kind: "failed",
    reason: `http_${status}`,
    message: messageOf(status),
    // 410 Gone: the receiver will never take this job.
    final: status === 410,
    retryAfterMs,
  };
}

function messageOf(status: number): string {
  if (status >= 300 && status < 400) return `The handler answered ${status}; redirects are not followed.`;
  if (status === 410) return "The handler answered 410: it will never take this job.";
  return `The handler answered ${status}.`;
}

/** A JSON body is the job's result; anything else is only kept with the attempt. */
function jsonOrNull(body: string): string | null {
  if (body === "" || body.length > resultLimitBytes) return null;
  try {
    JSON.parse(body);
    return body;
  } catch {
    return null;
  }
}

/** Failures that look alike have the same fingerprint: numbers and ids in a message do not count. */
export function fingerprintOf(reason: string, message: string): string {
  const shape = message
    .toLowerCase()
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "#")
    .replaceAll(/\b[0-9a-f]{12,}\b/g, "#")
    .replaceAll(/\d+/g, "#")
    .slice(0, 200)
    // The cut may have gone through a character, and Postgres holds no halves.
    .replaceAll(/\p{Cs}/gu, "");
  return `${reason}|${shape}`;
}
