// The real MCP clients that agents use, behind one small face.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { Client as OlderClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as OlderTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Json } from "@rotorsh/contract";

export const clientKinds = ["2026", "2025", "older sdk"] as const;
export type ClientKind = (typeof clientKinds)[number];

export type ToolResult = { isError: boolean; text: string; structured: Json };

export type TestClient = {
  instructions: string | undefined;
  serverInfo: { name: string; version: string } | undefined;
  names(): Promise<string[]>;
  call(name: string, args?: Record<string, unknown>): Promise<ToolResult>;
  close(): Promise<void>;
};

export type ConnectOptions = {
  url: string;
  key: string;
  kind?: ClientKind;
  headers?: Record<string, string>;
};

const info = { name: "test agent", version: "1.2.3" };
const eras = { "2026": { mode: { pin: "2026-07-28" } }, "2025": { mode: "legacy" } } as const;

export async function connect({
  url,
  key,
  kind = "2026",
  headers = {},
}: ConnectOptions): Promise<TestClient> {
  const requestInit = { headers: { authorization: `Bearer ${key}`, ...headers } };
  if (kind === "older sdk") {
    const client = new OlderClient(info);
    await client.connect(new OlderTransport(new URL(url), { requestInit }) as never);
    return face(client as unknown as Client);
  }
  const client = new Client(info, { versionNegotiation: eras[kind] });
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
  return face(client);
}

export type SpawnOptions = { args?: string[]; env: Record<string, string>; kind?: "2026" | "2025" };

/** The stdio binary from its source. */
export async function spawnStdio({ args = [], env, kind = "2026" }: SpawnOptions): Promise<TestClient> {
  const client = new Client(info, { versionNegotiation: eras[kind] });
  await client.connect(new StdioClientTransport({ ...stdioCommand(args), env }));
  return face(client);
}

export function stdioCommand(args: string[]): { command: string; args: string[] } {
  const source = new URL("../stdio.ts", import.meta.url).pathname;
  return {
    command: process.execPath,
    args: ["--import", "tsx", "--conditions=@rotorsh/source", source, ...args],
  };
}

function face(client: Client): TestClient {
  return {
    instructions: client.getInstructions(),
    serverInfo: client.getServerVersion(),
    names: async () => (await client.listTools()).tools.map(({ name }) => name),
    async call(name, args) {
      const result = await client.callTool({ name, ...(args && { arguments: args }) });
      const [block] = result.content as { text: string }[];
      return {
        isError: result.isError ?? false,
        text: block?.text ?? "",
        structured: (result.structuredContent ?? {}) as Json,
      };
    },
    close: () => client.close(),
  };
}
