// Holding the port, before anything else is started: a second server on one data folder must never get as far
// as the database.

import { createServer, type Server, type ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";

export type Fetch = (request: Request, env: unknown) => Response | Promise<Response>;

export type Listener = {
  url: string;
  /** From now on requests go to this app; until then everything answers 503. */
  serve(fetch: Fetch): void;
  /** Takes no new connections and waits for requests under way, at most so long. */
  close(withinMs: number): Promise<void>;
};

export async function listen(port: number, host: string): Promise<Listener> {
  let current: Fetch = () =>
    Response.json(
      { status: "starting" },
      { status: 503, headers: { "retry-after": "1", "cache-control": "no-store" } },
    );
  // Puts a Response in the global one's place that becomes headers and a body only when somebody looks.
  const handle = getRequestListener((request, env) => current(request, env));
  let closing = false;
  const underWay = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    underWay.add(response);
    response.once("close", () => underWay.delete(response));
    if (closing) response.shouldKeepAlive = false;
    void handle(request, response);
  });
  // Longer than a load balancer keeps an idle connection, so that it never sends into one we just closed.
  server.keepAliveTimeout = 75_000;
  await bind(server, port, host);
  const address = server.address() as { port: number };
  return {
    url: urlOf(host, address.port),
    serve(fetch) {
      current = fetch;
    },
    async close(withinMs) {
      // Says so in every answer from now on: a client that keeps its connections busy would otherwise go on sending,
      // and be cut off in the middle when the time is over.
      closing = true;
      for (const response of underWay) response.shouldKeepAlive = false;
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), withinMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

export function urlOf(host: string, port: number): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Why this address cannot be listened on, in one line for whoever set it; undefined for a reason of another kind. */
export function addressProblem(error: unknown, port: number, host: string): string | undefined {
  switch ((error as NodeJS.ErrnoException).code) {
    case "EACCES":
      return `PORT: ${port} is for privileged programs only. Example: PORT=8787`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EINVAL":
      return `HOST: ${host} is not an address of this machine. Example: HOST=127.0.0.1`;
    default:
      return undefined;
  }
}

function bind(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
