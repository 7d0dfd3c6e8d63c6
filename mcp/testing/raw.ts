// JSON-RPC as it is on the wire, for what no client library says.

import type { Json } from "@rotorsh/contract";

export type RawRequest = {
  url: string;
  key: string;
  method: string;
  params?: Json;
  /** What the client declares to be able to; the 2026 protocol says it in each request. */
  capabilities?: Json;
  headers?: Record<string, string>;
};

export type RawAnswer = { status: number; headers: Headers; result: Json; error: Json | undefined };

let lastId = 0;

const protocol = "2026-07-28";

export const tasks = { extensions: { "io.modelcontextprotocol/tasks": {} } };

/** One request of the 2026 protocol. */
export async function rpc({
  method,
  params = {},
  capabilities = {},
  ...rest
}: RawRequest): Promise<RawAnswer> {
  const name = (params.name ?? params.uri ?? params.taskId) as string | undefined;
  const meta = {
    "io.modelcontextprotocol/protocolVersion": protocol,
    "io.modelcontextprotocol/clientCapabilities": capabilities,
    "io.modelcontextprotocol/clientInfo": { name: "raw", version: "1" },
    ...(params._meta as Json | undefined),
  };
  const headers = {
    "mcp-protocol-version": protocol,
    "mcp-method": method,
    ...(name !== undefined && { "mcp-name": name }),
    ...rest.headers,
  };
  const response = await send({ ...rest, headers }, { method, params: { ...params, _meta: meta } });
  const { status } = response;
  const body = (await response.json()) as { result?: Json; error?: Json };
  return { status, headers: response.headers, result: body.result ?? {}, error: body.error };
}

/** One request of any form. */
export function send(
  { url, key, headers = {} }: Pick<RawRequest, "url" | "key" | "headers">,
  message: Json,
): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: {
      authorization: `Bearer ${key}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: ++lastId, ...message }),
  });
}
