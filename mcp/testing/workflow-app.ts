// An app with workflows, as users write them: it serves on a port of its own and outlives the server it works for.

import { createServer } from "node:http";
import type { DriveRequest, Json } from "@rotorsh/contract";
import { createFunction } from "../../sdk/workflow/define.ts";
import { drive } from "../../sdk/workflow/drive.ts";
import type { Handler, WorkflowFunction } from "../../sdk/workflow/types.ts";

type Server = {
  rest(path: string, request?: { method?: string; body?: unknown }): Promise<{ status: number }>;
};

export type TestApp = {
  /** Registers a workflow with the server, and serves it. */
  define(id: string, handler: Handler<never, unknown>): Promise<void>;
  /** How often each workflow was asked to go on. */
  drives: Map<string, number>;
  close(): Promise<void>;
};

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

export async function startApp(server: Server): Promise<TestApp> {
  const functions = new Map<string, WorkflowFunction>();
  const drives = new Map<string, number>();
  const http = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = JSON.parse(Buffer.concat(chunks).toString()) as DriveRequest;
      const { workflow } = body.run;
      drives.set(workflow, (drives.get(workflow) ?? 0) + 1);
      const fn = functions.get(workflow) as WorkflowFunction;
      const answer = (await drive(fn, body, { checkpoint: null, logger: quiet })) as unknown as Json;
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
    })();
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(http.address() as { port: number }).port}/`;
  return {
    drives,
    async define(id, handler) {
      functions.set(id, createFunction({ id, trigger: { event: `${id}.go` }, retries: 0 }, handler as never));
      const body = { id, serve_url: url, trigger_event: `${id}.go`, retries: 0 };
      const { status } = await server.rest("/v1/functions", { method: "POST", body });
      if (status >= 400) throw new Error(`${id} could not be registered: ${status}`);
    },
    close() {
      http.closeAllConnections();
      return new Promise<void>((resolve) => http.close(() => resolve()));
    },
  };
}
