/** What a model says in one turn. */
export type Block =
  | { type: "text"; text: string }
  | { type: "tool_use"; id: string; name: string; input: Record<string, unknown> };

/** The same in the words of an API: at once, and as a stream. */
export type Answer = { body: object; events: { type: string; [field: string]: unknown }[] };
