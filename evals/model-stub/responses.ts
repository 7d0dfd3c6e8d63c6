import type { Answer, Block } from "./answer.ts";

/** As OpenAI's Responses API says it. */
export function inResponses(block: Block): Answer {
  const item = itemOf(block);
  const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2 };
  const body = { id: "resp_stub", output: [item], usage };
  const events = [
    { type: "response.created", response: { id: body.id } },
    { type: "response.output_item.done", output_index: 0, item },
    { type: "response.completed", response: body },
  ];
  return { body, events };
}

/** The tools of an MCP server are a namespace: `mcp__rotor__get_run` is `get_run` in `mcp__rotor`. */
function itemOf(block: Block): object {
  if (block.type === "text") {
    const content = [{ type: "output_text", text: block.text }];
    return { type: "message", id: "msg_stub", role: "assistant", content };
  }
  const cut = block.name.lastIndexOf("__");
  const place = cut < 0 ? {} : { namespace: block.name.slice(0, cut) };
  const name = cut < 0 ? block.name : block.name.slice(cut + 2);
  const call = { type: "function_call", id: "fc_stub", call_id: block.id, name };
  return { ...call, ...place, arguments: JSON.stringify(block.input) };
}
