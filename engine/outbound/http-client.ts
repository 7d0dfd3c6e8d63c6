// The only door to the network. Sends one POST and tells what came of it, within limits of time, size and
// connections that hold whatever the receiver does.

import type { Client, Dispatcher } from "undici";
import { Attempt, type Outcome } from "./attempt.ts";
import { createEgress, type Egress, EgressRefused } from "./egress.ts";
import { createGuardedConnector, type GuardOptions } from "./guard.ts";
import { createRoutes, enqueue, giveBack, type Route, type Routes, type Waiting } from "./routes.ts";

export type { Outcome } from "./attempt.ts";

export type OutboundRequest = {
  url: string;
  /** Must not hold what describes the message itself, such as host or content-length. */
  headers: Record<string, string>;
  body: string | Buffer;
  /** From this call to the last byte of the response. */
  timeoutMs: number;
  /** How much of the response body is kept; 64 KB unless told. */
  maxResponseBytes?: number;
  /** How many requests to this origin may be under way at once; those beyond wait. 256 unless told. */
  maxConnections?: number;
  /** Lets the receiver answer in gzip. */
  gzip?: boolean;
};

export type Outbound = {
  /** Never rejects: whatever the network does is an outcome. */
  post(request: OutboundRequest): Promise<Outcome>;
  /** Takes no more requests and waits for those under way. */
  close(): Promise<void>;
};

const defaultResponseBytes = 64 * 1024;
const defaultConnections = 256;
const stopping = "This server is stopping.";

/** Written by undici, or a way to make two servers read one message differently. */
const closedHeaders = new Set([
  "host",
  "content-length",
  "transfer-encoding",
  "connection",
  "keep-alive",
  "proxy-connection",
  "upgrade",
  "expect",
  "te",
  "trailer",
  "accept-encoding",
]);

export function createOutbound(options: GuardOptions): Outbound {
  const egress = createEgress(options.rules, options.ownAddresses);
  const routes = createRoutes(createGuardedConnector(options));
  let closing = false;
  let unsettled = 0;
  let whenSettled = () => {};
  return {
    async post(request) {
      if (closing) return failed("connection", stopping);
      unsettled += 1;
      try {
        return await send(routes, egress, request);
      } finally {
        unsettled -= 1;
        if (unsettled === 0) whenSettled();
      }
    },
    async close() {
      closing = true;
      for (const { attempt } of routes.all().flatMap(({ waiting }) => [...waiting])) {
        attempt.fail("connection", stopping);
      }
      if (unsettled > 0) {
        await new Promise<void>((resolve) => {
          whenSettled = resolve;
        });
      }
      // What is left are idle connections, and those nobody waits for any more.
      await routes.destroy();
    },
  };
}

async function send(routes: Routes, egress: Egress, request: OutboundRequest): Promise<Outcome> {
  const problem = headerProblem(request.headers);
  if (problem) return failed("refused", problem);
  if (!URL.canParse(request.url)) return failed("refused", "The URL is not valid.");
  const url = new URL(request.url);
  const limit = request.maxConnections ?? defaultConnections;
  try {
    const known = routes.find(url.origin, limit);
    // A known origin passed the rules; its user name is not part of it.
    if (!known || url.username || url.password) egress.checkUrl(url);
    return await dispatch(known ?? routes.add(url.origin, limit), url, request);
  } catch (error) {
    if (error instanceof EgressRefused) return failed("refused", error.message);
    throw error;
  }
}

function dispatch(route: Route, url: URL, request: OutboundRequest): Promise<Outcome> {
  return new Promise((resolve) => {
    let client: Client | undefined;
    const attempt = new Attempt({
      timeoutMs: request.timeoutMs,
      maxResponseBytes: request.maxResponseBytes ?? defaultResponseBytes,
      unpacks: request.gzip,
      settle(outcome) {
        route.waiting.delete(waiting);
        resolve(outcome);
      },
      release() {
        if (client) giveBack(route, client);
      },
    });
    const waiting: Waiting = {
      attempt,
      send(given) {
        client = given;
        given.dispatch(dispatchOptions(url, request), attempt);
      },
    };
    enqueue(route, waiting);
  });
}

function dispatchOptions(url: URL, { headers, body, gzip }: OutboundRequest): Dispatcher.DispatchOptions {
  return {
    method: "POST",
    path: url.pathname + url.search,
    headers: { ...headers, "accept-encoding": gzip ? "gzip" : "identity" },
    body,
  };
}

function headerProblem(headers: Record<string, string>): string | undefined {
  for (const name in headers) {
    if (closedHeaders.has(name.toLowerCase())) return `The header ${name.toLowerCase()} cannot be set.`;
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return "A header has a name that cannot be sent.";
    if (/[^\t\x20-\x7e\x80-\xff]/.test(headers[name] ?? "")) {
      return `The header ${name} has a value that cannot be sent.`;
    }
  }
  return undefined;
}

function failed(kind: "refused" | "connection", message: string): Outcome {
  return { kind, message, durationMs: 0 };
}
