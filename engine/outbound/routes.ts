// The connections, by origin: made as requests need them, never more than allowed, closed when nobody needs them.

import { type buildConnector, Client } from "undici";
import type { Attempt } from "./attempt.ts";

export type Waiting = { attempt: Attempt; send: (client: Client) => void };

/**
 * The connections to one origin. The one used last is used next, so that those not needed any more stay idle and
 * close. An undici Pool would do, but it opens two for each that is ever busy: it
 * takes a connection whose response has just ended for busy still.
 */
export type Route = {
  open: () => Client;
  limit: number;
  clients: Client[];
  idle: Client[];
  waiting: Set<Waiting>;
  usedAt: number;
};

export type Routes = {
  /** The route of this origin, if it is known. */
  find(origin: string, limit: number): Route | undefined;
  add(origin: string, limit: number): Route;
  all(): Route[];
  /** Ends all connections, whatever they are doing. */
  destroy(): Promise<void>;
};

const mostIdleRoutes = 1000;
const idleMs = 60_000;

const clientOptions: Client.Options = {
  maxHeaderSize: 16 * 1024,
  // The deadline of each request covers all of it.
  headersTimeout: 0,
  bodyTimeout: 0,
  keepAliveMaxTimeout: idleMs,
};

export function createRoutes(connect: buildConnector.connector): Routes {
  const routes = new Map<string, Route>();
  const sweep = setInterval(() => closeIdle(routes, idleMs), idleMs / 2);
  sweep.unref();
  return {
    find: (origin, limit) => routes.get(`${origin} ${limit}`),
    add(origin, limit) {
      if (routes.size >= mostIdleRoutes) closeIdle(routes, 0);
      const open = () => new Client(origin, { ...clientOptions, connect });
      const route: Route = { open, limit, clients: [], idle: [], waiting: new Set(), usedAt: 0 };
      routes.set(`${origin} ${limit}`, route);
      return route;
    },
    all: () => [...routes.values()],
    async destroy() {
      clearInterval(sweep);
      const clients = [...routes.values()].flatMap((route) => route.clients);
      await Promise.all(clients.map((client) => client.destroy()));
      routes.clear();
    },
  };
}

/** Sends as soon as a connection is free. */
export function enqueue(route: Route, waiting: Waiting): void {
  route.waiting.add(waiting);
  startNext(route);
}

export function giveBack(route: Route, client: Client): void {
  route.idle.push(client);
  startNext(route);
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

function closeIdle(routes: Map<string, Route>, unusedMs: number): void {
  const before = performance.now() - unusedMs;
  for (const [key, route] of routes) {
    if (route.idle.length < route.clients.length || route.waiting.size > 0 || route.usedAt > before) continue;
    routes.delete(key);
    for (const client of route.clients) void client.close();
  }
}
