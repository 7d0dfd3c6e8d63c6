// L4: a real model in front of the real server. The only layer that says how well agents choose.

import Anthropic from "@anthropic-ai/sdk";
import type { Json } from "@rotorsh/contract";
import type { Case, Split } from "./case.ts";
import { recordingOf } from "./playback.ts";
import { hashOf, type Recording } from "./recordings.ts";
import type { Server } from "./server.ts";
import { sideBySide } from "./side-by-side.ts";
import { setStage } from "./stage.ts";
import { judge, type Transcript, type Turn, type Verdict } from "./transcript.ts";

const system =
  "You work for an engineer who runs background work on Rotor. Use the tools where they help; ask when something is missing.";
const mostTokens = 2048;
const atOnce = 4;

export type Model = { name: string; apiKey: string; baseURL?: string };

export type LiveResult = {
  case: string;
  split: Split;
  prompt: string;
  run: number;
  verdict: Verdict;
  /** The end state of the case is there; null where the case names none. */
  reached: boolean | null;
  calls: number;
  tokens: number;
};

export type LiveCase = Case & { split: Split };

/** Every prompt, so many times. The first run of each is recorded. */
export async function judgeLive(
  server: Server,
  cases: readonly LiveCase[],
  model: Model,
  runs: number,
): Promise<{ results: LiveResult[]; recordings: Recording[] }> {
  const tries = cases.flatMap((one) =>
    one.prompts.flatMap((prompt) =>
      Array.from({ length: runs }, (_, index) => ({ one, prompt, run: index + 1 })),
    ),
  );
  const played = await sideBySide(tries, atOnce, async ({ one, prompt, run }) => {
    const { tools, differences, tokens, ...transcript } = await playLive(server, one, prompt, model);
    const verdict = judge(one, transcript);
    const calls = transcript.turns.length;
    const reached = one.end_state.length === 0 ? null : differences.length === 0;
    const result: LiveResult = {
      case: one.id,
      split: one.split,
      prompt,
      run,
      verdict,
      reached,
      calls,
      tokens,
    };
    return { result, recording: recordingOf(one, prompt, tools, transcript) };
  });
  return {
    results: played.map(({ result }) => result),
    recordings: played.flatMap(({ result, recording }) => (result.run === 1 ? [recording] : [])),
  };
}

type Played = Transcript & {
  tokens: number;
  differences: string[];
  /** Of the listing that the model saw. */
  tools: string;
};

export async function playLive(server: Server, one: Case, prompt: string, model: Model): Promise<Played> {
  const { name, ...access } = model;
  const anthropic = new Anthropic(access);
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
        model: name,
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
