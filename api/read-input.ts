// From an HTTP request to the one flat input of an operation: path, query and body together.

import { invalidInput, type Json, type Operation, pathParameters, RotorError } from "@rotorsh/contract";
import type { Context } from "hono";
import { nodeHttpOf, readBytes } from "./node-http.ts";

/** Bodies without a larger limit of their own. */
export const bodyLimitBytes = 512 * 1024;

export async function readInput(c: Context, operation: Operation): Promise<Json> {
  const fromPath = pick(c.req.param(), pathParameters(operation));
  const fromQuery = decodeQuery(c.req.queries(), operation);
  const fromBody = await readBody(c, operation);
  for (const name of Object.keys(fromPath)) {
    const twice = fromBody[name] ?? fromQuery[name];
    if (twice !== undefined && twice !== fromPath[name]) {
      throw invalidInput([{ path: name, problem: "disagrees with the address; leave it out of the body" }]);
    }
  }
  return { ...fromQuery, ...fromBody, ...fromPath };
}

function pick(values: Record<string, string>, names: string[]): Json {
  return Object.fromEntries(names.map((name) => [name, values[name]]));
}

/** Query strings carry text; numbers, booleans and lists are recovered where the schema asks for them. */
function decodeQuery(query: Record<string, string[]>, { input }: Operation): Json {
  return Object.fromEntries(
    Object.entries(query).map(([name, texts]) => {
      // Its own fields only: every object has a `constructor`.
      const field = Object.hasOwn(input.shape, name) ? input.shape[name] : undefined;
      const accepts = (value: unknown) => field?.safeParse(value).success ?? false;
      const text: unknown = texts.length === 1 ? texts[0] : texts;
      if (accepts(text)) return [name, text];
      const decoded = texts.map(decodeScalar);
      return [name, decoded.length === 1 ? decoded[0] : decoded];
    }),
  );
}

function decodeScalar(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function readBody(c: Context, { limits, listBody }: Operation): Promise<Json> {
  if (c.req.method === "GET" || c.req.method === "HEAD") return {};
  const text = await readText(c, limits?.bodyBytes ?? bodyLimitBytes);
  if (text.trim() === "") return {};
  const type = c.req.header("content-type") ?? "";
  if (!/^application\/([\w.+-]+\+)?json\b/i.test(type)) throw new RotorError("UNSUPPORTED_MEDIA_TYPE");
  const body = parseJson(text);
  if (listBody && Array.isArray(body)) return { [listBody]: body };
  if (body === null || typeof body !== "object" || Array.isArray(body)) {
    throw invalidInput([{ path: "", problem: "the body must be an object" }]);
  }
  return body as Json;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RotorError("INVALID_JSON", {}, { cause });
  }
}

function sizeText(bytes: number): string {
  return bytes < 1024 * 1024 ? `${bytes / 1024} KB` : `${bytes / 1024 / 1024} MB`;
}

/** Reads no further than the limit, whatever Content-Length claims. */
async function readText(c: Context, limitBytes: number): Promise<string> {
  const tooLarge = () => new RotorError("PAYLOAD_TOO_LARGE", { limit: sizeText(limitBytes) });
  const node = nodeHttpOf(c);
  if (node) return (await readBytes(node, limitBytes, tooLarge)).toString("utf8");
  const length = c.req.header("content-length");
  if (Number(length ?? 0) > limitBytes) throw tooLarge();
  const { body } = c.req.raw;
  if (!body) return "";
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > limitBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
