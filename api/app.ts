// The HTTP surface. Routes come from the contract; this file knows no operation by name.

import { createHash, timingSafeEqual } from "node:crypto";
import {
  type Call,
  contract,
  isRead,
  isRotorError,
  listOperations,
  type Operation,
  type OperationTree,
  RotorError,
  routeOf,
} from "@rotorsh/contract";
import { type Caller, type Engine, type Log, operatorCaller, type Provenance } from "@rotorsh/engine";
import { createMcpHttp } from "@rotorsh/mcp";
import { type Context, Hono } from "hono";
import { csvStream } from "./csv.ts";
import { docsRoutes } from "./docs.ts";
import { securityHeaders } from "./headers.ts";
import { createMetrics } from "./metrics.ts";
import { openApi } from "./openapi.ts";
import { readProvenance, readRequestId } from "./provenance.ts";
import { readInput } from "./read-input.ts";
import { respond, respondError, setRateHeaders } from "./respond.ts";

export type AppOptions = {
  engine: Engine;
  /** The operator's token; without one nobody is the operator. */
  adminToken?: string | undefined;
  version: string;
  log: Log;
  /** False while the process starts or drains. */
  isServing?: () => boolean;
};

type Variables = { requestId: string; provenance: Provenance; caller?: Caller };
export type AppContext = Context<{ Variables: Variables }>;

export function createApp(options: AppOptions) {
  const { engine, log, version, isServing = () => true } = options;
  const app = new Hono<{ Variables: Variables }>();
  const metrics = createMetrics();

  app.use(securityHeaders);
  app.use(async (c, next) => {
    const started = performance.now();
    const requestId = readRequestId(c);
    c.set("requestId", requestId);
    c.set("provenance", readProvenance(c, requestId));
    c.header("x-request-id", requestId);
    await next();
    metrics.countRequest(c.req.method, c.res.status);
    const ms = Math.round(performance.now() - started);
    const keyId = c.get("caller")?.actorId;
    log.info(
      { requestId, method: c.req.method, path: c.req.path, status: c.res.status, ms, keyId },
      "request",
    );
  });

  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.get("/readyz", async (c) => {
    const ready = isServing() && (await engine.isReady());
    return ready ? c.json({ status: "ready" }) : c.json({ status: "not ready" }, 503, { "retry-after": "1" });
  });
  app.get("/metrics", (c) => {
    if (options.adminToken && !isOperator(bearerOf(c), options.adminToken))
      throw new RotorError("UNAUTHENTICATED");
    return c.text(metrics.toText());
  });
  app.get("/doc", (c) => c.json(openApi(version)));
  app.route("/docs", docsRoutes(version));

  mountMcp(app, options);
  mountOperations(app, options);

  app.notFound((c) => respondError(c, new RotorError("ROUTE_NOT_FOUND"), c.get("requestId")));
  app.onError((cause, c) => {
    const requestId = c.get("requestId");
    if (!isRotorError(cause) || cause.status >= 500) {
      log.error({ err: isRotorError(cause) ? (cause.cause ?? cause) : cause, requestId }, "request failed");
    }
    return respondError(c, cause, requestId);
  });
  return app;
}

function mountOperations(app: Hono<{ Variables: Variables }>, options: AppOptions): void {
  const methods = new Map<string, string[]>();
  for (const { operation } of listOperations(contract as OperationTree)) {
    const { method, path } = routeOf(operation);
    const pattern = path.replaceAll(/\{(\w+)\}/g, ":$1");
    methods.set(pattern, [...(methods.get(pattern) ?? []), method]);
    app.on(method, pattern, (c) => serve(c, operation, options));
  }
  for (const [pattern, allowed] of methods) {
    app.all(pattern, (c) => {
      c.header("allow", [...allowed, ...(allowed.includes("GET") ? ["HEAD"] : [])].join(", "));
      throw new RotorError("METHOD_NOT_ALLOWED");
    });
  }
}

async function serve(c: AppContext, operation: Operation, options: AppOptions): Promise<Response> {
  const { engine } = options;
  const caller = await authenticate(c, operation, options);
  const { format, ...input } = await readInput(c, operation);
  if (operation.csv && format === "csv") {
    const readPage = async (page: object) =>
      (await engine.perform(caller, operation, { ...input, ...page })).body;
    await readPage({ limit: 1 });
    return c.body(csvStream(operation, readPage), 200, {
      "content-type": "text/csv; charset=utf-8",
      "content-disposition": `attachment; filename="${routeOf(operation).path.split("/").at(-1)}.csv"`,
    });
  }
  const idempotencyKey = isRead(operation) ? undefined : c.req.header("idempotency-key");
  const asked = format === undefined ? input : { format, ...input };
  return respond(
    c,
    await engine.perform(caller, operation, asked, idempotencyKey === undefined ? {} : { idempotencyKey }),
  );
}

async function authenticate(c: AppContext, operation: Operation, options: AppOptions): Promise<Caller> {
  const token = bearerOf(c);
  refuseKeyInUrl(c);
  if (operation.needs === "operate" && isOperator(token, options.adminToken)) {
    return setCaller(c, operatorCaller(c.get("provenance")));
  }
  return authenticateKey(c, options.engine);
}

async function authenticateKey(c: AppContext, engine: Engine): Promise<Caller> {
  const credential = { token: bearerOf(c), workspaceId: c.req.header("x-rotor-workspace") };
  return setCaller(c, await engine.authenticate(credential, c.get("provenance")));
}

function setCaller(c: AppContext, caller: Caller): Caller {
  c.set("caller", caller);
  setRateHeaders(c, caller.rate);
  return caller;
}

function bearerOf(c: Context): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(c.req.header("authorization") ?? "")?.[1];
}

/** A key in an address ends up in logs and histories: it is refused even if it is valid. */
function refuseKeyInUrl(c: Context): void {
  if (!/[?&=]rt_(team|ws|q)_/.test(c.req.url)) return;
  const hint =
    "Never put a key into an address: revoke it, and send the new one as `Authorization: Bearer <key>`.";
  throw new RotorError("UNAUTHENTICATED", {}, { hint });
}

/** Both are hashed first, so that the comparison tells nothing of the token's length or beginning. */
function isOperator(token: string | undefined, adminToken: string | undefined): boolean {
  if (token === undefined || adminToken === undefined) return false;
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(token), digest(adminToken));
}

function mountMcp(app: Hono<{ Variables: Variables }>, { engine, version }: AppOptions): void {
  const mcp = createMcpHttp({ version });
  const handle = async (c: AppContext) => {
    const caller = await authenticateKey(c, engine);
    if (caller.tier === "queue") throw new RotorError("KEY_TIER_REFUSED");
    const callAs = (client: string | null): Call => {
      const provenance = {
        ...caller.provenance,
        surface: "mcp" as const,
        client: client ?? caller.provenance.client,
      };
      return engine.callAs({ ...caller, provenance });
    };
    return mcp.fetch(c.req.raw, { callAs, permissions: caller.permissions });
  };
  app.all("/mcp", handle);
  app.all("/mcp/*", handle);
}
