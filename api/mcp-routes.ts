// The hosted MCP server: every request is authenticated here, then performed by the engine in this process.

import type { Call } from "@rotorsh/contract";
import type { Caller, Engine, Log, OAuthOptions, Watched } from "@rotorsh/engine";
import {
  type CallSource,
  createConsents,
  createMcpHttp,
  type McpAccess,
  type McpHttpOptions,
} from "@rotorsh/mcp";
import type { App, AppContext } from "./app.ts";
import type { Gate } from "./credentials.ts";
import { createDoor, type McpDoor } from "./mcp-door.ts";
import { traceIdOf } from "./provenance.ts";

export type McpRoutes = Pick<McpHttpOptions, "version" | "allowedHosts" | "allowedOrigins" | "build"> & {
  /** Whose access tokens are accepted besides keys. */
  oauth?: Pick<OAuthOptions, "issuer" | "audience"> | undefined;
  log: Log;
};

/** Mounts the hosted MCP server; answers what closes its open streams. */
export function mountMcp(app: App, gate: Gate, { log, oauth, ...options }: McpRoutes) {
  const { engine } = gate;
  const door = createDoor(app, gate, oauth);
  const mcp = createMcpHttp({
    ...options,
    onError: (error, requestId) => log.error({ err: error, requestId }, "an MCP call failed"),
  });
  let derived: Buffer | undefined;
  const consentKey = () => {
    derived ??= engine.deriveKey("mcp consents");
    return derived;
  };
  const handle = async (c: AppContext) => {
    if (c.req.method === "OPTIONS") return mcp.preflight(c.req.raw);
    const admitted = await door.admit(c);
    if (admitted instanceof Response) return admitted;
    const { caller, challenge } = admitted;
    const workspaceId = caller.workspace?.id ?? "";
    return mcp.fetch(c.req.raw, {
      callAs: callsOf(c, gate, caller, door),
      challenge,
      permissions: caller.permissions,
      consents: createConsents(consentKey(), `${caller.actorId}|${workspaceId}`),
      watch: watchFor(engine, caller),
      requestId: c.get("requestId"),
    });
  };
  app.all("/mcp", handle);
  app.all("/mcp/*", handle);
  return () => mcp.close();
}

/** What changes in the caller's workspace, for as long as nothing changes about the caller. */
function watchFor(engine: Engine, { actorId, workspace, expiresAt }: Caller): McpAccess["watch"] {
  const workspaceId = workspace?.id ?? "";
  return async (things, changed, over) => {
    const caller: Watched = { workspaceId, kind: "caller", id: actorId };
    const watched = things.map((thing) => ({ ...thing, workspaceId }) as Watched);
    const unwatch = await engine.watch([caller, ...watched], (thing) =>
      thing === caller ? over() : changed(watched.indexOf(thing)),
    );
    const leftMs = expiresAt === null ? longestTimeout : expiresAt.getTime() - Date.now();
    const timer = setTimeout(over, Math.min(leftMs, longestTimeout));
    timer.unref();
    return () => {
      clearTimeout(timer);
      unwatch();
    };
  };
}

const longestTimeout = 2 ** 31 - 1;

/** A batch of the older era is one request and many calls: each further one is let in, and counted, by itself. */
function callsOf(c: AppContext, { engine }: Gate, caller: Caller, door: McpDoor) {
  let first: Caller | undefined = caller;
  return ({ client, traceparent }: CallSource): Call => {
    const provenance = {
      ...caller.provenance,
      surface: "mcp" as const,
      client: client ?? caller.provenance.client,
      traceId: traceIdOf(traceparent) ?? caller.provenance.traceId,
    };
    let bearer: Caller | undefined;
    return async (operation, input, options) => {
      bearer ??= first ?? (await door.again(c, provenance));
      first = undefined;
      return engine.callAs({ ...bearer, provenance })(operation, input, options);
    };
  };
}
