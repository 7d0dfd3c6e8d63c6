// Things by address: `rotor://queues/emails` is read as REST would answer it, without what no agent can use.

import {
  ProtocolError,
  ProtocolErrorCode,
  type Server,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { type Json, type Resource, resources } from "@rotorsh/contract";
import { complete } from "./completion.ts";
import { operationOf } from "./operations.ts";
import { completePrompt } from "./prompts.ts";
import { guarded } from "./protocol-error.ts";
import type { Session } from "./server.ts";
import { show } from "./shown.ts";
import { outputSchemaOf } from "./tool-schema.ts";

const mimeType = "application/json";
const schemas = new Map<string, Json>(
  resources.map(({ read }) => [read, outputSchemaOf(operationOf(read).output)]),
);

export function serveResources(server: Server, session: Session): void {
  server.setRequestHandler("resources/templates/list", () => ({
    resourceTemplates: resources.map(templateOf),
  }));
  server.setRequestHandler("resources/list", ({ params }, context) =>
    guarded(session, listAll(session, context, params?.cursor)),
  );
  server.setRequestHandler("resources/read", ({ params }, context) =>
    guarded(session, read(session, context, params.uri)),
  );
  server.setRequestHandler("completion/complete", async ({ params: { ref, argument } }, context) => {
    const call = session.callFor(context);
    if (ref.type === "ref/prompt") {
      return { completion: await guarded(session, completePrompt(call, ref.name, argument)) };
    }
    const resource = resources.find(({ uri }) => uri === ref.uri);
    if (!resource) throw unknown(`There is no resource template ${short(ref.uri)}; ${known}`);
    return { completion: await guarded(session, complete(call, resource.names, argument.value)) };
  });
}

const known = `there are ${resources.map(({ uri }) => uri).join(", ")}.`;

function templateOf({ uri, name, title, description }: Resource) {
  return { uriTemplate: uri, name, title, description, mimeType };
}

/** `rotor://queues/a%20b` → the resource and `a b`. */
export function resourceAt(uri: string): { resource: Resource; value: string } | undefined {
  for (const resource of resources) {
    const start = resource.uri.slice(0, resource.uri.indexOf("{"));
    if (!uri.startsWith(start)) continue;
    const value = decode(uri.slice(start.length));
    if (value) return { resource, value };
  }
  return undefined;
}

function decode(text: string): string | undefined {
  try {
    return text.includes("/") ? undefined : decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

async function read(session: Session, context: ServerContext, uri: string) {
  const at = resourceAt(uri);
  if (!at) throw unknown(`There is no resource ${short(uri)}; ${known}`);
  const { resource, value } = at;
  const body = await session.callFor(context)(operationOf(resource.read), { [fieldOf(resource)]: value });
  const { body: shown, untrusted, cut } = show(schemas.get(resource.read) ?? {}, body, "detailed");
  const text = JSON.stringify({
    ...shown,
    ...(untrusted.length > 0 && { untrusted_data: untrusted }),
    ...(cut.length > 0 && { truncated: { fields: cut } }),
  });
  return { contents: [{ uri, mimeType, text }] };
}

function fieldOf({ uri }: Resource): string {
  return uri.slice(uri.indexOf("{") + 1, -1);
}

const page = 50;

/** One kind after the other, page by page; the cursor says how far we are. */
async function listAll(session: Session, context: ServerContext, cursor: string | undefined) {
  const { kind, after } = readCursor(cursor);
  const resource = resources[kind];
  if (!resource) throw unknown("The cursor does not come from this list.");
  const { operation, field } = resource.names;
  const input = { limit: page, ...(after && { cursor: after }) };
  const { data, nextCursor } = await session.callFor(context)(operationOf(operation), input);
  const listed = (data as Json[]).map((row) => ({
    uri: resource.uri.replace(/\{.*\}/, encodeURIComponent(String(row[field]))),
    name: String(row[field]),
    title: `${resource.title} ${row[field]}`,
    mimeType,
  }));
  const next = nextOf(kind, nextCursor);
  return { resources: listed, ...(next !== undefined && { nextCursor: next }) };
}

/** Of runs only the newest are listed: who wants another knows its id. */
function nextOf(kind: number, nextCursor: unknown): string | undefined {
  const isRuns = resources[kind]?.name === "run";
  if (typeof nextCursor === "string" && !isRuns) return writeCursor(kind, nextCursor);
  return kind + 1 < resources.length ? writeCursor(kind + 1, "") : undefined;
}

function writeCursor(kind: number, after: string): string {
  return Buffer.from(JSON.stringify([kind, after])).toString("base64url");
}

function readCursor(cursor: string | undefined): { kind: number; after: string } {
  if (cursor === undefined) return { kind: 0, after: "" };
  try {
    const [kind, after] = JSON.parse(Buffer.from(cursor, "base64url").toString()) as [unknown, unknown];
    if (Number.isInteger(kind) && typeof after === "string") return { kind: kind as number, after };
  } catch {
    // Falls through to the error.
  }
  throw unknown("The cursor does not come from this list.");
}

function short(uri: string): string {
  return uri.replaceAll(/[^\w.:/{}%-]/g, "?").slice(0, 80);
}

function unknown(message: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, message);
}
