// Where a request came from, as far as it says so itself. Kept with everything it changes.

import { getConnInfo } from "@hono/node-server/conninfo";
import type { Surface } from "@rotorsh/contract";
import { newId, type Provenance } from "@rotorsh/engine";
import type { Context } from "hono";

const surfaces: Record<string, Surface> = { sdk: "sdk", cli: "cli", mcp: "mcp", dashboard: "dashboard" };

export function readProvenance(c: Context, requestId: string): Provenance {
  const client = oneLine(c.req.header("x-rotor-client"));
  return {
    surface: surfaces[client?.split("/")[0] ?? ""] ?? "rest",
    client,
    requestId,
    traceId: traceIdOf(c.req.header("traceparent")),
    ip: addressOf(c),
    userAgent: oneLine(c.req.header("user-agent")),
  };
}

/** The trace of a W3C `traceparent`. */
export function traceIdOf(traceparent: string | null | undefined): string | null {
  return /^00-([0-9a-f]{32})-/.exec(traceparent ?? "")?.[1] ?? null;
}

/** The caller's own id for a request is kept when it is harmless in a log. */
export function readRequestId(c: Context): string {
  const sent = c.req.header("x-request-id");
  return sent && /^[\w.:-]{1,64}$/.test(sent) ? sent : newId("req");
}

function addressOf(c: Context): string | null {
  // Without a socket there is no address: the app is being called in process.
  if (!c.env?.incoming) return null;
  return getConnInfo(c).remote.address ?? null;
}

function oneLine(text: string | undefined): string | null {
  if (!text) return null;
  return (
    text
      .replaceAll(/\p{Cc}/gu, " ")
      .trim()
      .slice(0, 200) || null
  );
}
