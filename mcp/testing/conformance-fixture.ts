// What the official conformance suite expects a server to offer, by the names it asks for. It is served through the
// way in of the hosted server, so that what is tested is that: authentication, origin, body, both eras, tasks.

import {
  acceptedContent,
  type CallToolResult,
  CLIENT_CAPABILITIES_META_KEY,
  type createMcpHandler,
  createRequestStateCodec,
  fromJsonSchema,
  type InputRequests,
  type InputRequiredResult,
  inputRequired,
  McpServer,
  ProtocolError,
  ProtocolErrorCode,
  ResourceTemplate,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import { taskExtension } from "../tasks.ts";
import { registerTaskFixtures } from "./conformance-tasks.ts";

const codec = createRequestStateCodec<{ tool: string; round?: number }>({ key: Buffer.alloc(32, 7) });
const pixel =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
const wave = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";

type Handler = ReturnType<typeof createMcpHandler>;
type Result = CallToolResult | InputRequiredResult;
type Tool = (context: ServerContext, args: Record<string, unknown>) => Result | Promise<Result>;

const text = (said: string): CallToolResult => ({ content: [{ type: "text", text: said }] });
const image = { type: "image" as const, data: pixel, mimeType: "image/png" };
const resource = (uri: string, said: string) => ({
  type: "resource" as const,
  resource: { uri, mimeType: "text/plain", text: said },
});

export function conformanceServer(handler: Handler): McpServer {
  const server = new McpServer(
    { name: "conformance", version: "1" },
    {
      capabilities: {
        tools: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        prompts: { listChanged: true },
        logging: {},
        completions: {},
        extensions: taskExtension,
      },
      requestState: { verify: codec.verify },
    },
  );
  for (const [name, tool] of Object.entries({ ...contents, ...notifying, ...asking, ...changing(handler) })) {
    const inputSchema = schemas[name] ?? z.object({});
    server.registerTool(name, { description: name, inputSchema }, ((
      args: Record<string, unknown>,
      context: ServerContext,
    ) => tool(context, args)) as never);
  }
  registerResources(server);
  registerPrompts(server);
  server.server.setRequestHandler("logging/setLevel", () => ({}));
  server.server.setRequestHandler("completion/complete", () => ({
    completion: { values: [], total: 0, hasMore: false },
  }));
  registerTaskFixtures(server);
  return server;
}

const schemas: Record<string, never> = {
  test_x_mcp_header: fromJsonSchema({
    type: "object",
    properties: { region: { type: "string", "x-mcp-header": "Region" }, level: { type: "integer" } },
  } as never) as never,
  json_schema_2020_12_tool: fromJsonSchema({
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    $defs: {
      address: {
        $anchor: "addressDef",
        type: "object",
        properties: { street: { type: "string" }, city: { type: "string" } },
      },
    },
    properties: {
      name: { type: "string" },
      address: { $ref: "#/$defs/address" },
      contactMethod: { type: "string", enum: ["phone", "email"] },
      phone: { type: "string" },
      email: { type: "string" },
    },
    allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
    if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
    // biome-ignore lint/suspicious/noThenProperty: a word of JSON Schema
    then: { required: ["phone"] },
    else: { required: ["email"] },
    additionalProperties: false,
  } as never) as never,
  test_sampling: z.object({ prompt: z.string() }) as never,
  test_elicitation: z.object({ message: z.string() }) as never,
};

const contents: Record<string, Tool> = {
  test_simple_text: () => text("This is a simple text response for testing."),
  test_image_content: () => ({ content: [image] }),
  test_audio_content: () => ({ content: [{ type: "audio", data: wave, mimeType: "audio/wav" }] }),
  test_embedded_resource: () => ({
    content: [resource("test://embedded-resource", "This is an embedded resource content.")],
  }),
  test_multiple_content_types: () => ({
    content: [
      { type: "text", text: "Multiple content types test:" },
      image,
      resource("test://mixed-content-resource", "mixed"),
    ],
  }),
  test_error_handling: () => {
    throw new Error("This tool intentionally returns an error for testing");
  },
  test_x_mcp_header: (_, { region }) => text(`region=${String(region ?? "none")}`),
  json_schema_2020_12_tool: () => text("ok"),
  test_streaming_elicitation: () => text("no request on this stream"),
  test_reconnection: () => text("reconnected"),
};

const notifying: Record<string, Tool> = {
  async test_tool_with_logging({ mcpReq }) {
    for (const data of ["Tool execution started", "Tool processing data", "Tool execution completed"])
      await mcpReq.notify({ method: "notifications/message", params: { level: "info", data } });
    return text("logged");
  },
  async test_logging_tool({ mcpReq }) {
    await mcpReq.log("info", "only for those who asked for logs");
    return text("logged");
  },
  async test_tool_with_progress({ mcpReq }) {
    const progressToken = mcpReq._meta?.progressToken;
    for (const progress of progressToken === undefined ? [] : [0, 50, 100]) {
      const params = { progressToken, progress, total: 100 };
      await mcpReq.notify({ method: "notifications/progress", params } as never);
    }
    return text(String(progressToken));
  },
};

const field = (name: string, type: "string" | "boolean" = "string") =>
  inputRequired.elicit({
    message: `Please give ${name}`,
    requestedSchema: { type: "object", properties: { [name]: { type } }, required: [name] } as never,
  });
const sampling = (said: string) =>
  inputRequired.createMessage({
    messages: [{ role: "user", content: { type: "text", text: said } }],
    maxTokens: 50,
  });
const said = (context: ServerContext, key: string, name: string) =>
  acceptedContent<Record<string, unknown>>(context.mcpReq.inputResponses, key)?.[name];
const answered = (context: ServerContext, key: string) => context.mcpReq.inputResponses?.[key] as never;

const asking: Record<string, Tool> = {
  test_missing_capability: (context) =>
    answered(context, "answer")
      ? text("sampled")
      : inputRequired({ inputRequests: { answer: sampling("pong") } }),
  test_sampling: async (_, { prompt }) => text(`LLM response: ${String(prompt)}`),
  test_elicitation: async () => text("not asked"),
  test_input_required_result_elicitation(context) {
    const name = said(context, "user_name", "name");
    return typeof name === "string"
      ? text(`Hello, ${name}!`)
      : inputRequired({ inputRequests: { user_name: field("name") } });
  },
  test_input_required_result_sampling(context) {
    const reply = answered(context, "capital_question") as { content?: { text?: string } } | undefined;
    return reply
      ? text(`Sampling response: ${reply.content?.text}`)
      : inputRequired({ inputRequests: { capital_question: sampling("What is the capital of France?") } });
  },
  test_input_required_result_list_roots(context) {
    const reply = answered(context, "client_roots") as { roots?: { uri: string }[] } | undefined;
    return reply?.roots
      ? text(`Roots: ${reply.roots.map(({ uri }) => uri).join(", ")}`)
      : inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } });
  },
  async test_input_required_result_request_state(context) {
    if (said(context, "confirm", "ok") === undefined) {
      const requestState = await codec.mint({ tool: "request_state" });
      return inputRequired({ inputRequests: { confirm: field("ok", "boolean") }, requestState });
    }
    if (context.mcpReq.requestState() === undefined)
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, "The request state is missing");
    return text("state-ok");
  },
  async test_input_required_result_multiple_inputs(context) {
    const name = said(context, "user_name", "name");
    const greeting = answered(context, "greeting") as { content?: { text?: string } } | undefined;
    const roots = answered(context, "client_roots") as { roots?: unknown[] } | undefined;
    if (typeof name === "string" && greeting && roots?.roots)
      return text(`${greeting.content?.text} ${name}`);
    const inputRequests = {
      user_name: field("name"),
      greeting: sampling("Greet"),
      client_roots: inputRequired.listRoots(),
    };
    return inputRequired({ inputRequests, requestState: await codec.mint({ tool: "multiple_inputs" }) });
  },
  async test_input_required_result_multi_round(context) {
    const round = context.mcpReq.requestState<{ round?: number }>()?.round ?? 0;
    if (round === 2) return text(`Done: ${String(said(context, "step2", "color"))}`);
    const inputRequests: InputRequests = round === 0 ? { step1: field("name") } : { step2: field("color") };
    return inputRequired({
      inputRequests,
      requestState: await codec.mint({ tool: "multi_round", round: round + 1 }),
    });
  },
  async test_input_required_result_tampered_state(context) {
    if (context.mcpReq.requestState() !== undefined && said(context, "confirm", "ok") !== undefined)
      return text("integrity-ok");
    const requestState = await codec.mint({ tool: "tampered_state" });
    return inputRequired({ inputRequests: { confirm: field("ok", "boolean") }, requestState });
  },
  test_input_required_result_capabilities(context) {
    if (context.mcpReq.inputResponses) return text("fulfilled");
    const envelope = context.mcpReq.envelope as Record<string, Record<string, unknown>> | undefined;
    const declared = envelope?.[CLIENT_CAPABILITIES_META_KEY];
    const inputRequests: InputRequests = {
      ...(declared?.elicitation !== undefined && { user_name: field("name") }),
      ...(declared?.sampling !== undefined && { greeting: sampling("Greet") }),
      ...(declared?.roots !== undefined && { client_roots: inputRequired.listRoots() }),
    };
    return Object.keys(inputRequests).length > 0
      ? inputRequired({ inputRequests })
      : text("nothing can be asked");
  },
};

const changing = (handler: Handler): Record<string, Tool> => ({
  test_trigger_tool_change() {
    handler.notify.toolsChanged();
    return text("told");
  },
  test_trigger_prompt_change() {
    handler.notify.promptsChanged();
    return text("told");
  },
});

function registerResources(server: McpServer): void {
  const plain = { mimeType: "text/plain" };
  server.registerResource("static-text", "test://static-text", plain, (uri) => ({
    contents: [{ uri: uri.href, ...plain, text: "This is the content of the static text resource." }],
  }));
  server.registerResource("static-binary", "test://static-binary", { mimeType: "image/png" }, (uri) => ({
    contents: [{ uri: uri.href, mimeType: "image/png", blob: pixel }],
  }));
  server.registerResource("watched-resource", "test://watched-resource", plain, (uri) => ({
    contents: [{ uri: uri.href, ...plain, text: "watched" }],
  }));
  const template = new ResourceTemplate("test://template/{id}/data", { list: undefined });
  const json = { mimeType: "application/json" };
  server.registerResource("template", template, json, (uri, { id }) => ({
    contents: [
      {
        uri: uri.href,
        ...json,
        text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
      },
    ],
  }));
  server.server.setRequestHandler("resources/subscribe", () => ({}));
  server.server.setRequestHandler("resources/unsubscribe", () => ({}));
}

const message = (content: object) => ({ role: "user", content }) as never;

function registerPrompts(server: McpServer): void {
  server.registerPrompt("test_simple_prompt", { description: "simple" }, () => ({
    messages: [message({ type: "text", text: "This is a simple prompt for testing." })],
  }));
  const argsSchema = z.object({ arg1: z.string(), arg2: z.string() });
  server.registerPrompt(
    "test_prompt_with_arguments",
    { description: "arguments", argsSchema },
    ({ arg1, arg2 }) => ({
      messages: [message({ type: "text", text: `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'` })],
    }),
  );
  const embedded = { description: "resource", argsSchema: z.object({ resourceUri: z.string() }) };
  server.registerPrompt("test_prompt_with_embedded_resource", embedded, ({ resourceUri }) => ({
    messages: [message(resource(resourceUri, "Embedded resource content for testing."))],
  }));
  server.registerPrompt("test_prompt_with_image", { description: "image" }, () => ({
    messages: [message(image)],
  }));
  server.registerPrompt("test_input_required_result_prompt", { description: "asks" }, ((
    context: ServerContext,
  ) => {
    const about = said(context, "user_context", "context");
    return typeof about === "string"
      ? { messages: [message({ type: "text", text: about })] }
      : inputRequired({ inputRequests: { user_context: field("context") } });
  }) as never);
}
