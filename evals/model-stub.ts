// A stand-in for a model: says what a script tells it to, over Anthropic's Messages API or OpenAI's Responses API. It proves
// plumbing, never judgement.

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Answer, Block } from "./model-stub/answer.ts";
import { inMessages } from "./model-stub/messages.ts";
import { inResponses } from "./model-stub/responses.ts";

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

type Body = {
  system?: unknown;
  messages?: unknown;
  input?: unknown;
  tools?: { name: string }[];
  stream?: boolean;
};

const apis: Record<string, (block: Block) => Answer> = {
  "/v1/messages": inMessages,
  "/v1/responses": inResponses,
};

async function answer(request: IncomingMessage, response: ServerResponse, script: Script, asked: Asked[]) {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const say = apis[request.url?.split("?")[0] ?? ""];
  if (!say) return sendJson(response, { input_tokens: 1 });
  const body: Body = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  const tools = (body.tools ?? []).map(({ name }) => name);
  // Hosts also ask for titles and the like, without tools.
  const isMain = tools.length > 0;
  const text = JSON.stringify([body.system, body.messages ?? body.input]);
  const now: Asked = { text, tools, turn: asked.length };
  if (isMain) asked.push(now);
  const said = say(isMain ? script(now) : { type: "text", text: "ok" });
  if (body.stream) sendEvents(response, said.events);
  else sendJson(response, said.body);
}

function sendJson(response: ServerResponse, body: object): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function sendEvents(response: ServerResponse, events: Answer["events"]): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const event of events) response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  response.end();
}
