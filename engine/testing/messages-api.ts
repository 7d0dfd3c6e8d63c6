// A server on loopback that speaks Anthropic's Messages API, and says what a test tells it to.

import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type ModelRequest = {
  model: string;
  system: string;
  messages: { role: string; content: string }[];
  tools: { name: string }[];
  apiKey: string | undefined;
};

/** A verdict, an HTTP status, prose, or nothing until it answers something else. */
export type ModelAnswer = { input: unknown } | { status: number } | { prose: string } | { silence: true };

export type MessagesApi = {
  url: string;
  requests: ModelRequest[];
  /** What it answers from now on. */
  answer(how: (request: ModelRequest) => ModelAnswer): void;
  close(): Promise<void>;
};

export async function startMessagesApi(): Promise<MessagesApi> {
  let how: (request: ModelRequest) => ModelAnswer = () => ({ input: { score: 0.9, reason: "It is calm." } });
  const requests: ModelRequest[] = [];
  const unanswered = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const sent = JSON.parse(Buffer.concat(chunks).toString()) as ModelRequest;
      const made = { ...sent, apiKey: request.headers.authorization?.replace("Bearer ", "") };
      requests.push(made);
      const answer = request.url === "/v1/messages" ? how(made) : { status: 404 };
      if ("silence" in answer) {
        unanswered.add(response);
        return;
      }
      const status = "status" in answer ? answer.status : 200;
      response.writeHead(status, { "content-type": "application/json", "retry-after-ms": "1" });
      response.end(JSON.stringify(bodyOf(answer, made)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer(made) {
      how = made;
      for (const response of unanswered) response.destroy();
      unanswered.clear();
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function bodyOf(answer: Exclude<ModelAnswer, { silence: true }>, { model, tools }: ModelRequest): object {
  if ("status" in answer) return { type: "error", error: { type: "api_error", message: "told to fail" } };
  const content =
    "prose" in answer
      ? [{ type: "text", text: answer.prose }]
      : [{ type: "tool_use", id: "toolu_1", name: tools[0]?.name, input: answer.input }];
  const usage = { input_tokens: 100, output_tokens: 20 };
  return { id: "msg_1", type: "message", role: "assistant", model, content, stop_reason: "tool_use", usage };
}
