// The only door to the network. Sends one POST and tells what came of it, within limits of time, size and
// connections that hold whatever the receiver does.

import { Client, type Dispatcher } from "undici";
import { Attempt, type Outcome } from "./attempt.ts";
import { createEgress, EgressRefused } from "./egress.ts";
import { createGuardedConnector, type GuardOptions } from "./guard.ts";

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
};

export type Outbound = {
  /** Never rejects: whatever the network does is an outcome. */
  post(request: OutboundRequest): Promise<Outcome>;
  /** Takes no more requests and waits for those under way. */
  close(): Promise<void>;
};

type Waiting = { attempt: Attempt; send: (client: Client) => void };

/**
 * The connections to one origin, made as requests need them. The one used last is used next, so that those not
 * needed any more stay idle and close. An undici Pool would do, but it opens two for each that is ever busy: it
 * takes a connection whose response has just ended for busy still.
 */
type Route = {
  open: () => Client;
  limit: number;
  clients: Client[];
  idle: Client[];
  waiting: Set<Waiting>;
  usedAt: number;
};

const defaultResponseBytes = 64 * 1024;
const defaultConnections = 256;
const mostIdleRoutes = 1000;
const idleMs = 60_000;

const clientOptions: Client.Options = {
  maxHeaderSize: 16 * 1024,
  // The deadline of each request covers all of it.
  headersTimeout: 0,
  bodyTimeout: 0,
  keepAliveMaxTimeout: idleMs,
};

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
  const connect = createGuardedConnector(options);
  const routes = new Map<string, Route>();
  let closing = false;
  let unsettled = 0;
  let whenSettled = () => {};

  function routeTo(url: URL, limit = defaultConnections): Route {
    if (url.username || url.password) egress.checkUrl(url);
    const key = `${url.origin} ${limit}`;
    const known = routes.get(key);
    if (known) return known;
    egress.checkUrl(url);
    if (routes.size >= mostIdleRoutes) closeIdle(routes, 0);
    const open = () => new Client(url.origin, { ...clientOptions, connect });
    const route: Route = { open, limit, clients: [], idle: [], waiting: new Set(), usedAt: 0 };
    routes.set(key, route);
    return route;
  }

  async function post(request: OutboundRequest): Promise<Outcome> {
    if (closing) return failed("connection", "This server is stopping.");
    const problem = headerProblem(request.headers);
    if (problem) return failed("refused", problem);
    if (!URL.canParse(request.url)) return failed("refused", "The URL is not valid.");
    const url = new URL(request.url);
    unsettled += 1;
    try {
      return await send(routeTo(url, request.maxConnections), url, request);
    } catch (error) {
      if (error instanceof EgressRefused) return failed("refused", error.message);
      throw error;
    } finally {
      unsettled -= 1;
      if (unsettled === 0) whenSettled();
    }
  }

  const sweep = setInterval(() => closeIdle(routes, idleMs), idleMs / 2);
  sweep.unref();
  return {
    post,
    async close() {
      closing = true;
      clearInterval(sweep);
      for (const { waiting } of routes.values()) {
        for (const { attempt } of waiting) attempt.fail("connection", "This server is stopping.");
      }
      if (unsettled > 0) {
        await new Promise<void>((resolve) => {
          whenSettled = resolve;
        });
      }
      // Not closed but destroyed: what is left are idle connections and those nobody waits for any more.
      await Promise.all(
        [...routes.values()].flatMap(({ clients }) => clients.map((client) => client.destroy())),
      );
      routes.clear();
    },
  };
}

function send(route: Route, url: URL, request: OutboundRequest): Promise<Outcome> {
  return new Promise((resolve) => {
    let client: Client | undefined;
    const attempt = new Attempt({
      timeoutMs: request.timeoutMs,
      maxResponseBytes: request.maxResponseBytes ?? defaultResponseBytes,
      settle(outcome) {
        route.waiting.delete(waiting);
        resolve(outcome);
      },
      release() {
        if (client) route.idle.push(client);
        startNext(route);
      },
    });
    const waiting: Waiting = {
      attempt,
      send(given) {
        client = given;
        given.dispatch(dispatchOptions(url, request), attempt);
      },
    };
    route.waiting.add(waiting);
    startNext(route);
  });
}

/** A queue of undici would hold a request until its turn even when its time is over; this one forgets it. */
function startNext(route: Route): void {
  route.usedAt = performance.now();
  for (const next of route.waiting) {
    const client = route.idle.pop() ?? openClient(route);
    if (!client) return;
    route.waiting.delete(next);
    next.send(client);
  }
}

function openClient({ clients, limit, open }: Route): Client | undefined {
  if (clients.length >= limit) return undefined;
  const client = open();
  clients.push(client);
  return client;
}

function dispatchOptions(url: URL, { headers, body }: OutboundRequest): Dispatcher.DispatchOptions {
  return {
    method: "POST",
    path: url.pathname + url.search,
    headers: { ...headers, "accept-encoding": "identity" },
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

function closeIdle(routes: Map<string, Route>, unusedMs: number): void {
  const before = performance.now() - unusedMs;
  for (const [key, route] of routes) {
    if (route.idle.length < route.clients.length || route.waiting.size > 0 || route.usedAt > before) continue;
    routes.delete(key);
    for (const client of route.clients) void client.close();
  }
}
