// One MCP server for one request or one connection. Does not know whether `call` runs here or over HTTP.

import { randomUUID } from "node:crypto";
import {
  type CallToolRequest,
  type CallToolResult,
  CLIENT_INFO_META_KEY,
  McpServer,
  ProtocolError,
  ProtocolErrorCode,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { type Call, isRotorError, nearest, type Permission, RotorError } from "@rotorsh/contract";
import { type ClientInfo, clientName } from "./client-name.ts";
import { needsConfirmation, performConfirmed } from "./confirm.ts";
import { toErrorResult, toResult } from "./results.ts";
import type { Tool } from "./tools.ts";

export type ServerOptions = {
  version: string;
  instructions: string;
  /** Every tool of this kind of server: an error may tell where one that is not offered here can be found. */
  all: readonly Tool[];
  offered: readonly Tool[];
  /** The caller's way to perform operations, given the MCP client's name and version. */
  callAs(client: string | null): Call;
  /** Undefined where only the other side knows them; then every offered tool is listed. */
  permissions?: ReadonlySet<Permission> | undefined;
  /** The client's name, where the protocol does not carry it in each request. */
  client?: string | null | undefined;
  requestId?: string | undefined;
  /** Gets what went wrong on our side; the answer says no more than INTERNAL and the request's id. */
  onError?: ((error: unknown, requestId: string) => void) | undefined;
};

// Who may list what depends on the key, so no shared cache may keep it.
const cacheHint = { ttlMs: 60_000, cacheScope: "private" } as const;

export function createMcpServer(options: ServerOptions): McpServer {
  const { version, instructions, offered, permissions } = options;
  const mcp = new McpServer(
    { name: "rotor", title: "Rotor", version },
    {
      capabilities: { tools: {} },
      instructions,
      cacheHints: { "tools/list": cacheHint, "server/discover": cacheHint },
    },
  );
  const listed = offered.filter(({ operation }) => permissions?.has(operation.needs) ?? true);
  // Not registerTool: it checks arguments itself, drops unknown ones silently and answers in zod's words.
  mcp.server.setRequestHandler("tools/list", () => ({ tools: listed.map((tool) => tool.listed) }));
  mcp.server.setRequestHandler("tools/call", ({ params }, context) => {
    const envelope = context.mcpReq.envelope as Record<string, ClientInfo> | undefined;
    const client = clientName(envelope?.[CLIENT_INFO_META_KEY] ?? mcp.server.getClientVersion());
    return callTool(options, params, client ?? options.client ?? null, context);
  });
  return mcp;
}

async function callTool(
  options: ServerOptions,
  params: CallToolRequest["params"],
  client: string | null,
  { mcpReq: { signal } }: ServerContext,
): Promise<CallToolResult> {
  const { all, offered, callAs, requestId = `req_${randomUUID().replaceAll("-", "")}`, onError } = options;
  const tool = offered.find(({ name }) => name === params.name);
  if (!tool) throw unknownTool(params.name, options);
  const { operation } = tool;
  const sent = params.arguments ?? {};
  try {
    const call = callAs(client);
    const perform = needsConfirmation(operation) ? performConfirmed.bind(undefined, call) : call;
    return toResult(tool, await perform(operation, sent, { signal }));
  } catch (cause) {
    const error = isRotorError(cause) ? cause : new RotorError("INTERNAL", {}, { cause });
    if (error.status >= 500 && !signal.aborted) onError?.(reportOf(error), requestId);
    return toErrorResult({ tool, sent, error, requestId, all, offered });
  }
}

/** INTERNAL says nothing by itself; its cause does. */
function reportOf(error: RotorError): unknown {
  return error.code === "INTERNAL" ? (error.cause ?? error) : error;
}

/** The protocol has its own error for this; the sentence is what helps. */
function unknownTool(asked: string, { all, offered }: ServerOptions): ProtocolError {
  const elsewhere = all.find(({ name }) => name === asked);
  const names = offered.map(({ name }) => name);
  return new ProtocolError(
    ProtocolErrorCode.InvalidParams,
    elsewhere ? moved(elsewhere) : missing(asked, names),
  );
}

function moved({ name, toolset }: Tool): string {
  return `The tool ${name} is not offered at this address; /mcp/x/${toolset} has it.`;
}

function missing(asked: string, names: readonly string[]): string {
  const close = nearest(asked, names);
  const shown = asked.replaceAll(/[^\w.-]/g, "?").slice(0, 64);
  return `There is no tool ${shown}${close ? `; did you mean ${close}?` : `. Tools here: ${names.join(", ")}.`}`;
}
