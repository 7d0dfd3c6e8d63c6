// What a client sent, before the protocol's library sees it: whether it is JSON, how long it is, and whether each
// request has what its method needs. The library would answer in its validator's words.

import { isRotorError, parseInput, RotorError } from "@rotorsh/contract";
import { z } from "zod";

type Message = { id?: unknown; method?: unknown; params?: unknown };

/** Reads no further than the limit, whatever Content-Length claims. */
export async function readBody(request: Request, limitBytes: number): Promise<unknown> {
  const tooLarge = () => new RotorError("PAYLOAD_TOO_LARGE", { limit: `${Math.ceil(limitBytes / 1024)} KB` });
  const length = request.headers.get("content-length");
  if (Number(length ?? 0) > limitBytes) throw tooLarge();
  // Node reads no further than was announced, and a stream costs more.
  if (length !== null) return parseJson(await request.text());
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > limitBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return parseJson(Buffer.concat(chunks).toString("utf8"));
}

export class NotJson extends Error {}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new NotJson();
  }
}

const json = z.record(z.string(), z.unknown());
const page = z.object({ cursor: z.string().optional() }).loose();
const task = z.object({ taskId: z.string() }).loose();

const shapes: Record<string, z.ZodObject> = {
  initialize: z
    .object({
      protocolVersion: z.string(),
      capabilities: json,
      clientInfo: z.object({ name: z.string(), version: z.string() }).loose(),
    })
    .loose(),
  "tools/list": page,
  "tools/call": z.object({ name: z.string(), arguments: json.optional() }).loose(),
  "resources/list": page,
  "resources/templates/list": page,
  "resources/read": z.object({ uri: z.string() }).loose(),
  "prompts/list": page,
  "prompts/get": z
    .object({ name: z.string(), arguments: z.record(z.string(), z.string()).optional() })
    .loose(),
  "completion/complete": z
    .object({
      ref: z.object({ type: z.enum(["ref/prompt", "ref/resource"]) }).loose(),
      argument: z.object({ name: z.string(), value: z.string() }).loose(),
    })
    .loose(),
  "tasks/get": task,
  "tasks/update": task,
  "tasks/cancel": task,
};

/** What each request of the 2026 protocol says of its sender. */
const envelope = z
  .object({
    "io.modelcontextprotocol/protocolVersion": z.string().optional(),
    "io.modelcontextprotocol/clientCapabilities": json.optional(),
    "io.modelcontextprotocol/clientInfo": z
      .object({ name: z.string(), version: z.string() })
      .loose()
      .optional(),
  })
  .loose();
const enveloped = z.object({ _meta: envelope.optional() }).loose();

/** The answer to the first message that lacks what its method needs. */
export function refusalOf(body: unknown): object | undefined {
  for (const message of Array.isArray(body) ? (body as unknown[]) : [body]) {
    const { id, method, params = {} } = (message ?? {}) as Message;
    const isRequest = typeof method === "string" && (typeof id === "string" || typeof id === "number");
    if (!isRequest) continue;
    // The 2026 protocol has no initialize: the library says so.
    const isStart = method === "initialize" && hasEnvelope(params);
    const shape = isStart ? undefined : shapes[method];
    const problem = problemOf(enveloped, params) ?? (shape && problemOf(shape, params));
    if (problem) return errorTo(id, problem);
  }
  return undefined;
}

function hasEnvelope(params: unknown): boolean {
  const meta = (params as { _meta?: object } | null)?._meta;
  return meta !== undefined && meta !== null && "io.modelcontextprotocol/protocolVersion" in meta;
}

function problemOf(shape: z.ZodObject, params: unknown): RotorError | undefined {
  try {
    parseInput(shape, params);
    return undefined;
  } catch (error) {
    if (isRotorError(error)) return error;
    throw error;
  }
}

const invalidParams = -32602;

function errorTo(id: unknown, { message, details }: RotorError): object {
  return {
    jsonrpc: "2.0",
    id,
    error: { code: invalidParams, message, data: { problems: details.problems } },
  };
}

/** The one message of this method, if the body is that. */
export function messageOf(body: unknown, method: string): Message | undefined {
  const message = body as Message | null;
  return message !== null && typeof message === "object" && message.method === method ? message : undefined;
}
