// Sends requests to a Rotor server: headers, time limit, repetition.

import { invalidInput, isRotorError, RotorError } from "@rotorsh/contract";
import { readError } from "./answer.ts";
import type { HttpRequest } from "./request.ts";
import { backoffMs, isPassing, longestRetryAfterMs } from "./retry.ts";
import { version } from "./version.ts";

export type HttpOptions = {
  url: string;
  /** An API key, or the operator's token for `/admin`. */
  apiKey: string;
  /** Name and version of the calling program, e.g. `cli/0.1.0`; shown in the audit trail. */
  client?: string | undefined;
  /** Required with a team key. */
  workspaceId?: string | undefined;
  /** W3C trace context of what the calls belong to. */
  traceparent?: string | undefined;
  fetch?: typeof globalThis.fetch | undefined;
  /** Repetitions after the first try; default 2. */
  maxRetries?: number | undefined;
  /** Longest time one try may take; default 30,000. */
  timeoutMs?: number | undefined;
};

export type SendOptions = { idempotencyKey?: string | undefined; signal?: AbortSignal | undefined };

/** Sends until it is answered; a success is read by `read`, anything else is thrown as RotorError. */
export type Send = <T>(
  request: HttpRequest,
  read: (response: Response) => Promise<T>,
  options?: SendOptions,
) => Promise<T>;

export function sendOverHttp(options: HttpOptions): Send {
  const base = parseUrl(options.url);
  const headers = commonHeaders(options);
  const { maxRetries = 2, timeoutMs = 30_000, fetch = globalThis.fetch } = options;

  return async (request, read, { idempotencyKey, signal } = {}) => {
    const attempt = () => once({ request: build(), read, fetch, timeoutMs, signal });
    const own = ownHeaders(request, idempotencyKey);
    const build = () => toFetch(base, request, { ...headers, ...own });
    for (let retry = 0; ; retry++) {
      signal?.throwIfAborted();
      try {
        return await attempt();
      } catch (error) {
        // Every write carries an idempotency key, so whatever was sent may be sent again.
        const delayMs = retry < maxRetries ? delayBefore(error, retry) : undefined;
        if (delayMs === undefined) throw error;
        await sleep(delayMs, signal);
      }
    }
  };
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  const problem = "must be an http or https URL such as http://127.0.0.1:8787";
  throw invalidInput([{ path: "url", problem }]);
}

function commonHeaders({ apiKey, client, workspaceId, traceparent }: HttpOptions): Record<string, string> {
  if (!/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new RotorError("UNAUTHENTICATED", {}, { hint: "Pass an API key; the one given cannot be one." });
  }
  return {
    accept: "application/json",
    authorization: `Bearer ${apiKey}`,
    "x-rotor-client": client ?? `sdk/${version}`,
    ...(workspaceId && { "x-rotor-workspace": workspaceId }),
    ...(traceparent && { traceparent }),
  };
}

function ownHeaders({ method, body }: HttpRequest, key: string | undefined): Record<string, string> {
  return {
    ...(body !== undefined && { "content-type": "application/json" }),
    ...(method !== "GET" && { "idempotency-key": key ?? crypto.randomUUID() }),
  };
}

type Fetchable = { url: URL; init: RequestInit };

function toFetch(
  base: URL,
  { method, path, query, body }: HttpRequest,
  headers: Record<string, string>,
): Fetchable {
  // The base may have a path of its own, when a proxy serves Rotor below one.
  const url = new URL(base.pathname.replace(/\/+$/, "") + path, base);
  url.search = query.toString();
  // Following a redirect would turn a POST into a GET.
  const init: RequestInit = { method, headers, redirect: "manual" };
  return { url, init: body === undefined ? init : { ...init, body: JSON.stringify(body) } };
}

type Attempt<T> = {
  request: Fetchable;
  read: (response: Response) => Promise<T>;
  fetch: typeof globalThis.fetch;
  timeoutMs: number;
  signal: AbortSignal | undefined;
};

async function once<T>({ request: { url, init }, read, fetch, timeoutMs, signal }: Attempt<T>): Promise<T> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), timeoutMs);
  try {
    const signals = signal ? [limit.signal, signal] : [limit.signal];
    const response = await fetch(url, { ...init, signal: AbortSignal.any(signals) });
    if (response.ok) return await read(response);
    throw await readError(response);
  } catch (error) {
    if (isRotorError(error) || signal?.aborted) throw error;
    const problem = limit.signal.aborted ? `no answer within ${timeoutMs / 1000} s` : causeOf(error);
    throw new RotorError("UNREACHABLE", { url: url.origin, problem }, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

const causes: Record<string, string> = {
  ECONNREFUSED: "nothing listens there",
  ENOTFOUND: "the host name is unknown",
  EAI_AGAIN: "the host name could not be looked up",
  ECONNRESET: "the connection was cut",
  UND_ERR_SOCKET: "the connection was cut",
  ETIMEDOUT: "the connection timed out",
  UND_ERR_CONNECT_TIMEOUT: "the connection timed out",
};

/** fetch says only "fetch failed"; the reason is one level down, or in a list of one per address. */
function causeOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: string; message?: string; errors?: { code?: string }[] } };
  const code = cause?.code ?? cause?.errors?.[0]?.code;
  return (code && (causes[code] ?? code)) || cause?.message || String(error);
}

/** How long to wait before the next try; undefined when another try would not help. */
function delayBefore(error: unknown, retry: number): number | undefined {
  if (!isRotorError(error)) return undefined;
  const { status, retry_after_seconds: wait } = error.details;
  const passing = error.retryable || (error.code === "BAD_RESPONSE" && isPassing(Number(status)));
  if (!passing) return undefined;
  if (typeof wait !== "number") return backoffMs(retry, Math.random());
  return wait * 1000 <= longestRetryAfterMs ? wait * 1000 : undefined;
}

function sleep(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, delayMs);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
