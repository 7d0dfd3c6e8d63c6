// One MCP server for one request or one connection. Does not know whether `call` runs here or over HTTP.

import { randomUUID } from "node:crypto";
import {
  CLIENT_INFO_META_KEY,
  Server,
  type ServerContext,
  TRACEPARENT_META_KEY,
} from "@modelcontextprotocol/server";
import type { Call, Permission } from "@rotorsh/contract";
import { callTool } from "./call-tool.ts";
import { type ClientInfo, clientName } from "./client-name.ts";
import type { Consents } from "./consents.ts";
import { capabilitiesOf, personOf } from "./person.ts";
import { servePrompts } from "./prompts.ts";
import { serveResources } from "./resources.ts";
import { serveTasks, taskExtension, wantsTasks } from "./tasks.ts";
import type { Tool } from "./tools.ts";

/** Who makes a call: the MCP client's name and version, and the trace of the agent's turn. */
export type CallSource = { client: string | null; traceparent: string | null };

export type ServerOptions = {
  version: string;
  instructions: string;
  /** Every tool of this kind of server: an error may tell where one that is not offered here can be found. */
  all: readonly Tool[];
  offered: readonly Tool[];
  /** The caller's way to perform operations. */
  callAs(source: CallSource): Call;
  /** Tokens for what has to be confirmed. */
  consents: Consents;
  /** Undefined where only the other side knows them; then every offered tool is listed. */
  permissions?: ReadonlySet<Permission> | undefined;
  /** The client's name, where the protocol does not carry it in each request. */
  client?: string | null | undefined;
  /** True where a run may outlive the connection, so that a client can come back for it. */
  tasks?: boolean | undefined;
  /** True where changes of resources are told to those who listen. */
  listens?: boolean | undefined;
  requestId?: string | undefined;
  /** Gets what went wrong on our side; the answer says no more than INTERNAL and the request's id. */
  onError?: ((error: unknown, requestId: string) => void) | undefined;
};

/** What one request may do, and for whom. */
export type Session = Pick<ServerOptions, "all" | "offered" | "consents" | "permissions" | "onError"> & {
  requestId: string;
  /** Performs operations for the one who asked in this context. */
  callFor(context: ServerContext, note?: string): Call;
};

// Who may list what depends on the key, so no shared cache may keep it.
const cacheHint = { ttlMs: 60_000, cacheScope: "private" } as const;
const cached = ["tools/list", "server/discover", "prompts/list", "resources/templates/list"] as const;
const cacheHints = Object.fromEntries(cached.map((method) => [method, cacheHint]));

// Not the library's McpServer: it checks arguments itself, drops unknown ones silently and answers in zod's words.
export function createMcpServer(options: ServerOptions): Server {
  const { version, instructions, offered, permissions, tasks = false, listens = false } = options;
  const server = new Server(
    { name: "rotor", title: "Rotor", version },
    {
      capabilities: {
        tools: {},
        resources: { subscribe: listens },
        prompts: {},
        completions: {},
        ...(tasks && { extensions: taskExtension }),
      },
      instructions,
      cacheHints,
    },
  );
  const mayCall = ({ operation }: Tool) => permissions?.has(operation.needs) ?? true;
  const session = sessionOf(options, server);
  server.setRequestHandler("tools/list", () => ({
    tools: offered.filter(mayCall).map((tool) => tool.listed),
  }));
  server.setRequestHandler("tools/call", ({ params }, context) => {
    const capabilities = capabilitiesOf(context) ?? server.getClientCapabilities();
    return callTool(session, params, {
      context,
      usable: (key) => offered.find((tool) => tool.key === key && mayCall(tool)),
      person: personOf(context, capabilities),
      asTask: tasks && wantsTasks(capabilities),
    });
  });
  serveResources(server, session);
  servePrompts(server, session);
  if (tasks) serveTasks(server, session);
  return server;
}

function sessionOf(options: ServerOptions, server: Server): Session {
  const { requestId = `req_${randomUUID().replaceAll("-", "")}`, callAs } = options;
  return {
    ...options,
    requestId,
    callFor(context, note) {
      const { envelope, _meta } = context.mcpReq;
      const info = (envelope as Record<string, ClientInfo> | undefined)?.[CLIENT_INFO_META_KEY];
      const client = clientName(info ?? server.getClientVersion()) ?? options.client ?? null;
      const sent = _meta?.[TRACEPARENT_META_KEY];
      const traceparent = typeof sent === "string" ? sent : null;
      return callAs({ client: note ? `${client ?? "unnamed"} (${note})` : client, traceparent });
    },
  };
}
