// A stand-in for a model: says what a script tells it to, over the Messages API. It proves plumbing, never judgement.

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

type Block =
  | { type: "text"; text: string }
  | { type: "tool_use"; id: string; name: string; input: Record<string, unknown> };

/** What the host sent: its system prompt, the conversation and the tools, as text. */
export type Asked = { text: string; tools: string[]; turn: number };

/** One answer for each turn of the main conversation. */
export type Script = (asked: Asked) => Block;

export type ModelStub = { url: string; asked: Asked[]; close(): Promise<void> };

export async function startModelStub(script: Script): Promise<ModelStub> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void answer(request, response, script, asked);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, script: Script, asked: Asked[]) {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  if (!request.url?.startsWith("/v1/messages")) {
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
    return;
  }
  const body = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  if (request.url.includes("count_tokens")) {
    response.writeHead(200, { "content-type": "application/json" }).end('{"input_tokens":1}');
    return;
  }
  const tools = ((body.tools ?? []) as { name: string }[]).map(({ name }) => name);
  // Hosts also ask for titles and the like, without tools.
  const isMain = tools.length > 0;
  const turn = asked.length;
  const now: Asked = { text: JSON.stringify([body.system, body.messages]), tools, turn };
  if (isMain) asked.push(now);
  const block: Block = isMain ? script(now) : { type: "text", text: "ok" };
  if (body.stream) sendEvents(response, block);
  else response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(message(block)));
}

function message(block: Block) {
  return {
    id: "msg_stub",
    type: "message",
    role: "assistant",
    model: "stub",
    content: [block],
    stop_reason: block.type === "tool_use" ? "tool_use" : "end_turn",
    stop_sequence: null,
    usage: { input_tokens: 1, output_tokens: 1 },
  };
}

function sendEvents(response: ServerResponse, block: Block): void {
  const { content: _, stop_reason, ...start } = message(block);
  const opened = block.type === "text" ? { ...block, text: "" } : { ...block, input: {} };
  const delta =
    block.type === "text"
      ? { type: "text_delta", text: block.text }
      : { type: "input_json_delta", partial_json: JSON.stringify(block.input) };
  const events = [
    { type: "message_start", message: { ...start, content: [], stop_reason: null } },
    { type: "content_block_start", index: 0, content_block: opened },
    { type: "content_block_delta", index: 0, delta },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 1 } },
    { type: "message_stop" },
  ];
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const event of events) response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  response.end();
}
