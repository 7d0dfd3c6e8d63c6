// From an operation and its input to an HTTP request. Pure.

import { invalidInput, type Json, type Operation, routeOf } from "@rotorsh/contract";

export type HttpRequest = { method: string; path: string; query: URLSearchParams; body: Json | undefined };

/** As much of an operation as its requests depend on. */
export type Describes = Pick<Operation, "route">;

export function toRequest(operation: Describes, input: unknown): HttpRequest {
  const { method, path } = routeOf(operation);
  const rest = { ...asObject(input) };
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const segment = toSegment(name, rest[name]);
    delete rest[name];
    return segment;
  });
  const query = new URLSearchParams();
  if (method !== "GET" && method !== "DELETE") return { method, path: filled, query, body: rest };
  for (const [name, value] of Object.entries(rest)) {
    if (value !== undefined) query.set(name, toText(value));
  }
  return { method, path: filled, query, body: undefined };
}

function asObject(input: unknown): Json {
  if (input === undefined) return {};
  if (typeof input === "object" && input !== null && !Array.isArray(input)) return input as Json;
  throw invalidInput([{ path: "", problem: "it must be an object" }]);
}

function toSegment(name: string, value: unknown): string {
  if (value === undefined || value === null || value === "") {
    throw invalidInput([{ path: name, problem: "is required" }]);
  }
  // A URL parser resolves these even when escaped, and the request would reach another route.
  if (value === "." || value === "..") throw invalidInput([{ path: name, problem: "is not valid" }]);
  return encodeURIComponent(toText(value));
}

/** Text goes as it is; anything else as JSON, which the server reads where its schema refuses text. */
function toText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
