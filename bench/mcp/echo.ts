// What a tool call costs that does nothing: the bare SDK behind the same HTTP server, one tool that gives back what it
// got. In a process of its own, like the server it is compared with.

import { serve } from "@hono/node-server";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { Hono } from "hono";
import { z } from "zod";
import { answer } from "../harness/child.ts";

const handler = createMcpHandler(() => {
  const server = new McpServer({ name: "echo", version: "1" });
  server.registerTool(
    "echo",
    { inputSchema: z.object({ name: z.string() }), outputSchema: z.looseObject({}) },
    (args) => ({
      structuredContent: args,
      content: [{ type: "text", text: JSON.stringify(args) }],
    }),
  );
  return server;
});

const methods = {
  /** Answers the address. */
  async start(_: undefined): Promise<string> {
    const app = new Hono().all("/mcp", (c) => handler.fetch(c.req.raw));
    const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
    await new Promise((resolve) => server.once("listening", resolve));
    return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  },
};
export type Echo = typeof methods;

answer(methods);
