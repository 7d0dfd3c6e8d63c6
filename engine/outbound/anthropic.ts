// The way to Anthropic's Messages API. Its address is the operator's to set, not a tenant's, so it is not held to the
// rules for callbacks; everything else about a call is bounded here.

import Anthropic from "@anthropic-ai/sdk";
import { Agent, fetch as undiciFetch } from "undici";
import type { JudgeFailure } from "../core/guardrail/verdict.ts";

export type AnthropicOptions = {
  apiKey: string;
  /** Where the API is, when it is not Anthropic's own. */
  baseUrl?: string | undefined;
};

export type Asked = {
  model: string;
  system: string;
  /** What the model is to look at, as data. */
  content: string;
  tool: { name: string; description: string; inputSchema: Record<string, unknown> };
};

/** The input that the model gave the tool, whatever it is, or why there is none. */
export type Answered = { input: unknown } | { failure: JudgeFailure };

export type AskModel = (asked: Asked) => Promise<Answered>;

/** Of one try; a try that fails in a way that may pass is repeated once. */
const timeoutMs = 10_000;
const maxRetries = 1;
/** Of all of it: a provider may ask for a long wait before the second try, and the job's lease runs meanwhile. */
const longestMs = 25_000;
const longestAnswerTokens = 300;

export function createAskModel({ apiKey, baseUrl }: AnthropicOptions): {
  ask: AskModel;
  close(): Promise<void>;
} {
  const agent = new Agent({ connections: 16 });
  const client = new Anthropic({
    apiKey,
    // Null, so that nothing but the server's own configuration decides how we sign in and where we call.
    authToken: null,
    baseURL: baseUrl ?? "https://api.anthropic.com",
    timeout: timeoutMs,
    maxRetries,
    logLevel: "off",
    fetch: ((url: string, init: object) => undiciFetch(url, { ...init, dispatcher: agent })) as never,
  });
  return {
    async ask({ model, system, content, tool }) {
      try {
        const message = await client.messages.create(
          {
            model,
            system,
            max_tokens: longestAnswerTokens,
            messages: [{ role: "user", content }],
            tools: [
              {
                name: tool.name,
                description: tool.description,
                input_schema: tool.inputSchema as { type: "object" },
              },
            ],
            tool_choice: { type: "tool", name: tool.name },
          },
          { signal: AbortSignal.timeout(longestMs) },
        );
        const used = message.content.find((block) => block.type === "tool_use" && block.name === tool.name);
        return used?.type === "tool_use" ? { input: used.input } : { failure: "bad_answer" };
      } catch (error) {
        return { failure: failureOf(error) };
      }
    },
    close: () => agent.close(),
  };
}

function failureOf(error: unknown): JudgeFailure {
  if (error instanceof Anthropic.APIConnectionTimeoutError) return "timeout";
  if (error instanceof Anthropic.APIUserAbortError) return "timeout";
  if (error instanceof Anthropic.APIConnectionError) return "unreachable";
  if (!(error instanceof Anthropic.APIError)) return "bad_answer";
  if (error.status === 429) return "rate_limited";
  return Number(error.status) >= 500 ? "overloaded" : "refused";
}
