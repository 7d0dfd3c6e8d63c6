// The way out where no command fits: any request, with the key and the error handling of the others.

import type { Json } from "@rotorsh/contract";
import { exitCodes } from "../exit-codes.ts";
import { type Invocation, sendFor } from "../invocation.ts";
import { readAll, write } from "../io.ts";
import { createReadSource } from "../source.ts";
import { toJson } from "../text.ts";
import { UsageError } from "../usage-error.ts";

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];

export async function api(invocation: Invocation): Promise<number> {
  const { io, mode, option } = invocation;
  const { method, url } = readTarget(invocation);
  const request = {
    method,
    path: url.pathname,
    query: url.searchParams,
    body: await readBody(invocation, method),
  };
  const send = sendFor(invocation, url.pathname.startsWith("/admin/"));
  const idempotencyKey = option("idempotency-key");
  const text = await send(request, (response) => response.text(), { signal: io.signal, idempotencyKey });
  if (mode !== "quiet") await write(io.stdout, pretty(text));
  return exitCodes.ok;
}

function readTarget({ args: { positionals, texts } }: Invocation): { method: string; url: URL } {
  const [first = "", second] = positionals;
  const path = second ?? first;
  const method = second === undefined ? (texts.has("data") ? "POST" : "GET") : first.toUpperCase();
  const usage = "Usage: rotor api [method] <path>";
  if (positionals.length > 2) throw new UsageError("Too many arguments.", usage);
  if (!methods.includes(method))
    throw new UsageError(`The method must be one of ${methods.join(", ")}.`, usage);
  // A full URL would send the key to wherever it says.
  if (!path.startsWith("/") || path.startsWith("//")) {
    throw new UsageError("The path must begin with /, e.g. /v1/queues.", usage);
  }
  return { method, url: new URL(path, "http://localhost") };
}

async function readBody({ io, option }: Invocation, method: string): Promise<Json | undefined> {
  const data = option("data");
  if (method === "GET" || data === undefined) return method === "GET" || method === "DELETE" ? undefined : {};
  const text = await createReadSource(() => readAll(io.stdin))(data);
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new UsageError("--data must be JSON.");
  }
}

function pretty(text: string): string {
  try {
    return `${toJson(JSON.parse(text), 2)}\n`;
  } catch {
    return text;
  }
}
