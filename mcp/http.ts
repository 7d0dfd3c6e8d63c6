// The hosted MCP server: both protocol eras at one address, and nothing kept between two requests.

import { type AuthInfo, createMcpHandler } from "@modelcontextprotocol/server";
import { type Call, isRotorError, type Json, type Permission } from "@rotorsh/contract";
import { type Address, isOffered, readAddress } from "./address.ts";
import { type ClientInfo, clientName, clientOfSession, sessionIdFor } from "./client-name.ts";
import { checkOrigin, type OriginRules } from "./origin.ts";
import { createMcpServer } from "./server.ts";
import { toolsOf } from "./tools.ts";

export type McpHttpOptions = OriginRules & {
  version: string;
  /** Gets failures of our own, which callers see as INTERNAL with the request's id. */
  onError?: (error: unknown, requestId: string) => void;
};

/** What the bearer of a request may do. */
export type McpAccess = {
  /** The way to perform operations on the bearer's behalf, given the MCP client's name and version. */
  callAs(client: string | null): Call;
  permissions: ReadonlySet<Permission>;
  /** Appears in errors; made up when left out. */
  requestId?: string | undefined;
};

export type McpHttp = {
  /** Serves a request to `/mcp` or below whose bearer has been authenticated. */
  fetch(request: Request, access: McpAccess): Promise<Response>;
  /** Ends the streams that are open. */
  close(): Promise<void>;
};

const instructions =
  "Rotor runs background jobs, schedules and workflows for the workspace of the API key. Lists answer " +
  "`nextCursor`: pass it as `cursor` for the next page. Tools that delete answer first with a preview; repeat " +
  "the call with `confirm: true` to go ahead. An error says what was wrong and which call comes next.";

type Exchange = { access: McpAccess; address: Address; client: string | null };

export function createMcpHttp({ version, onError, ...rules }: McpHttpOptions): McpHttp {
  const all = toolsOf("hosted");
  const handler = createMcpHandler(({ authInfo }) => {
    const { access, address, client } = exchangeOf(authInfo);
    const offered = all.filter((tool) => isOffered(address, tool));
    return createMcpServer({ ...access, version, instructions, all, offered, client, onError });
  });

  return {
    async fetch(request, access) {
      try {
        checkOrigin(request, rules);
        const address = readAddress(new URL(request.url).pathname);
        const starting = await clientThatStarts(request);
        const client = starting ?? clientOfSession(request.headers.get(sessionHeader));
        const response = await handler.fetch(request, { authInfo: toAuthInfo({ access, address, client }) });
        return starting && response.ok ? withSession(response, starting) : response;
      } catch (error) {
        if (!isRotorError(error)) throw error;
        return Response.json(error.toBody(access.requestId), { status: error.status });
      }
    },
    close: () => handler.close(),
  };
}

/** The handler passes this on to the server it builds for the request; the token itself stays outside. */
function toAuthInfo(exchange: Exchange): AuthInfo {
  return { token: "", clientId: exchange.client ?? "", scopes: [], extra: { exchange } };
}

function exchangeOf(authInfo: AuthInfo | undefined): Exchange {
  if (!authInfo?.extra) throw new Error("An MCP request without its caller");
  return authInfo.extra.exchange as Exchange;
}

const sessionHeader = "mcp-session-id";
const longestStart = 64 * 1024;

/** The client named by an `initialize` request of the older era; looked for only where one can be. */
async function clientThatStarts(request: Request): Promise<string | null> {
  if (request.method !== "POST" || request.headers.has(sessionHeader)) return null;
  if (request.headers.has("mcp-method")) return null;
  if (!(Number(request.headers.get("content-length") ?? Number.NaN) <= longestStart)) return null;
  try {
    const { method, params } = (await request.clone().json()) as Json;
    return method === "initialize" ? clientName((params as Json).clientInfo as ClientInfo) : null;
  } catch {
    // Not what it should be; the handler answers that.
    return null;
  }
}

function withSession(response: Response, client: string): Response {
  const headers = new Headers(response.headers);
  headers.set(sessionHeader, sessionIdFor(client));
  return new Response(response.body, { status: response.status, headers });
}
