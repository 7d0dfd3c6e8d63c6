import type { Answer, Block } from "./answer.ts";

/** As Anthropic's Messages API says it. */
export function inMessages(block: Block): Answer {
  return { body: message(block), events: eventsOf(block) };
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

function eventsOf(block: Block) {
  const { content: _, stop_reason, ...start } = message(block);
  const opened = block.type === "text" ? { ...block, text: "" } : { ...block, input: {} };
  const delta =
    block.type === "text"
      ? { type: "text_delta", text: block.text }
      : { type: "input_json_delta", partial_json: JSON.stringify(block.input) };
  return [
    { type: "message_start", message: { ...start, content: [], stop_reason: null } },
    { type: "content_block_start", index: 0, content_block: opened },
    { type: "content_block_delta", index: 0, delta },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 1 } },
    { type: "message_stop" },
  ];
}
