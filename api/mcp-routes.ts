import type { Call } from "@rotorsh/contract";
import type { Log } from "@rotorsh/engine";
import { createMcpHttp } from "@rotorsh/mcp";
import type { App, AppContext } from "./app.ts";
import { authenticateKey, type Gate } from "./credentials.ts";

/** Mounts the hosted MCP server; answers what closes its open streams. */
export function mountMcp(app: App, gate: Gate, { version, log }: { version: string; log: Log }) {
  const mcp = createMcpHttp({
    version,
    onError: (error, requestId) => log.error({ err: error, requestId }, "an MCP call failed"),
  });
  const handle = async (c: AppContext) => {
    const caller = await authenticateKey(c, gate, { noQueueKeys: "mcp" });
    const callAs = (client: string | null): Call => {
      const provenance = {
        ...caller.provenance,
        surface: "mcp" as const,
        client: client ?? caller.provenance.client,
      };
      return gate.engine.callAs({ ...caller, provenance });
    };
    const { permissions } = caller;
    return mcp.fetch(c.req.raw, { callAs, permissions, requestId: c.get("requestId") });
  };
  app.all("/mcp", handle);
  app.all("/mcp/*", handle);
  return () => mcp.close();
}
