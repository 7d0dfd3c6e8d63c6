import type { Call } from "@rotorsh/contract";
import type { Caller, Log } from "@rotorsh/engine";
import { createMcpHttp } from "@rotorsh/mcp";
import type { App, AppContext } from "./app.ts";
import { authenticateKey, credentialOf, type Gate } from "./credentials.ts";

/** Mounts the hosted MCP server; answers what closes its open streams. */
export function mountMcp(app: App, gate: Gate, { version, log }: { version: string; log: Log }) {
  const mcp = createMcpHttp({
    version,
    onError: (error, requestId) => log.error({ err: error, requestId }, "an MCP call failed"),
  });
  const handle = async (c: AppContext) => {
    const caller = await authenticateKey(c, gate, { noQueueKeys: "mcp" });
    // A batch of the older era is one request and many calls: each further one is let in, and counted, by itself.
    let first: Caller | undefined = caller;
    const callAs = (client: string | null): Call => {
      const provenance = {
        ...caller.provenance,
        surface: "mcp" as const,
        client: client ?? caller.provenance.client,
      };
      return async (operation, input, options) => {
        const bearer = first ?? (await gate.engine.authenticate(credentialOf(c), provenance));
        first = undefined;
        return gate.engine.callAs({ ...bearer, provenance })(operation, input, options);
      };
    };
    const { permissions } = caller;
    return mcp.fetch(c.req.raw, { callAs, permissions, requestId: c.get("requestId") });
  };
  app.all("/mcp", handle);
  app.all("/mcp/*", handle);
  return () => mcp.close();
}
