// L4: a real model in front of the real server. The only layer that says how well agents choose.

import Anthropic from "@anthropic-ai/sdk";
import type { Json } from "@rotorsh/contract";
import type { Case } from "./case.ts";
import { hashOf } from "./recordings.ts";
import type { Server } from "./server.ts";
import { setStage } from "./stage.ts";
import type { Transcript, Turn } from "./transcript.ts";

const system =
  "You work for an engineer who runs background work on Rotor. Use the tools where they help; ask when something is missing.";
const mostTokens = 2048;

export type Played = Transcript & {
  differences: string[] /** Of the listing that the model saw. */;
  tools: string;
};

export async function playLive(
  server: Server,
  one: Case,
  prompt: string,
  model: string,
  apiKey: string,
): Promise<Played> {
  const anthropic = new Anthropic({ apiKey });
  const stage = await setStage(server, one);
  try {
    const tools = stage.tools.map(({ name, description = "", inputSchema }) => ({
      name,
      description,
      input_schema: inputSchema as Anthropic.Tool.InputSchema,
    }));
    const messages: Anthropic.MessageParam[] = [{ role: "user", content: prompt }];
    const turns: Turn[] = [];
    let tokens = 0;
    for (;;) {
      const reply = await anthropic.messages.create({
        model,
        max_tokens: mostTokens,
        system,
        tools,
        messages,
      });
      tokens += reply.usage.input_tokens + reply.usage.output_tokens;
      const uses = reply.content.filter((block) => block.type === "tool_use");
      const answer = reply.content.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("\n");
      // One call more than allowed is enough to know.
      if (uses.length === 0 || turns.length > one.max_calls) {
        return { turns, answer, tokens, differences: await stage.differences(), tools: hashOf(stage.tools) };
      }
      messages.push({ role: "assistant", content: reply.content });
      const results: Anthropic.ToolResultBlockParam[] = [];
      for (const use of uses) {
        const turn = await stage.call(use.name, use.input as Json);
        turns.push(turn);
        const content = JSON.stringify(turn.result);
        results.push({ type: "tool_result", tool_use_id: use.id, is_error: turn.isError, content });
      }
      messages.push({ role: "user", content: results });
    }
  } finally {
    await stage.close();
  }
}
