// The HTTP surface: what every request goes through, and what is mounted where.

import { isRotorError, RotorError } from "@rotorsh/contract";
import type { Caller, Log, Provenance } from "@rotorsh/engine";
import { type Context, Hono } from "hono";
import { mountCheckpoints } from "./checkpoints.ts";
import { type Gate, isOperator } from "./credentials.ts";
import { docsRoutes } from "./docs.ts";
import { securityHeaders, setHeader } from "./headers.ts";
import { type McpRoutes, mountMcp } from "./mcp-routes.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { nodeHttpOf } from "./node-http.ts";
import { openApi } from "./openapi.ts";
import { mountOperations } from "./operation-routes.ts";
import { readProvenance, readRequestId } from "./provenance.ts";
import { RememberingRouter } from "./remembering-router.ts";
import { respondError } from "./respond.ts";
import { mountStreams } from "./stream-routes.ts";

export type AppOptions = Gate & {
  version: string;
  log: Log;
  /** For the line of each request; `log` unless told. */
  accessLog?: Log;
  /** False while the process starts or drains. */
  isServing?: () => boolean;
  /** How the hosted MCP server is reached, and in tests what is behind it. */
  mcp?: Omit<McpRoutes, "version" | "log">;
  /** False in a process that only works: it answers for its health and for nothing else. */
  serves?: boolean;
};

type Env = { Variables: { requestId: string; provenance: Provenance; caller?: Caller } };
export type App = Hono<Env>;
export type AppContext = Context<Env>;

/** `close` ends the streams that would keep a drain waiting. */
export function createApp(options: AppOptions): App & { close(): Promise<void> } {
  const app: App = new Hono<Env>({ router: new RememberingRouter() });
  const metrics = createMetrics();
  mountCheckpoints(app, options.engine);
  app.use(securityHeaders);
  traceRequests(app, options.accessLog ?? options.log, metrics);
  mountHealth(app, options, metrics);
  answerErrors(app, options.log);
  if (options.serves === false) return Object.assign(app, { close: async () => {} });

  app.get("/doc", (c) => c.json(openApi(options.version)));
  app.route("/docs", docsRoutes(options.version));
  // The page's links are relative to /docs.
  app.get("/docs/", (c) => c.redirect("../docs", 308));
  refuseOtherMethods(app, ["/doc", "/docs", "/docs/style.css"]);
  const close = mountMcp(app, options, { ...options.mcp, ...options });
  mountStreams(app, options);
  mountOperations(app, options);
  return Object.assign(app, { close });
}

function traceRequests(app: App, log: Log, metrics: Metrics): void {
  app.use(async (c, next) => {
    const started = performance.now();
    const requestId = readRequestId(c);
    c.set("requestId", requestId);
    c.set("provenance", readProvenance(c, requestId));
    setHeader(c, "x-request-id", requestId);
    await next();
    const outgoing = nodeHttpOf(c)?.outgoing;
    const status = outgoing?.headersSent ? outgoing.statusCode : c.res.status;
    const { method, path } = c.req;
    metrics.countRequest(method, status);
    const ms = Math.round(performance.now() - started);
    log.info({ requestId, method, path, status, ms, keyId: c.get("caller")?.actorId }, "request");
  });
}

function mountHealth(app: App, options: AppOptions, metrics: Metrics): void {
  const { engine, isServing = () => true } = options;
  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.get("/readyz", async (c) => {
    if (isServing() && (await engine.isReady())) return c.json({ status: "ready" });
    return c.json({ status: "not ready" }, 503, { "retry-after": "1" });
  });
  app.get("/metrics", (c) => {
    if (options.adminToken && !isOperator(c, options)) throw new RotorError("UNAUTHENTICATED");
    return c.text(metrics.toText(engine.counters()));
  });
  refuseOtherMethods(app, ["/healthz", "/readyz", "/metrics"]);
}

/** For addresses that are only read. */
function refuseOtherMethods(app: App, paths: string[]): void {
  app.on(["POST", "PUT", "PATCH", "DELETE", "OPTIONS"], paths, (c) => {
    c.header("allow", "GET, HEAD");
    throw new RotorError("METHOD_NOT_ALLOWED");
  });
}

function answerErrors(app: App, log: Log): void {
  app.notFound((c) => respondError(c, new RotorError("ROUTE_NOT_FOUND"), c.get("requestId")));
  app.onError((cause, c) => {
    const requestId = c.get("requestId");
    if (!isRotorError(cause) || cause.status >= 500) {
      log.error({ err: isRotorError(cause) ? (cause.cause ?? cause) : cause, requestId }, "request failed");
    }
    return respondError(c, cause, requestId);
  });
}
