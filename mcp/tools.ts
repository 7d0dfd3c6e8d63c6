// From operations to tools. Knows no operation by name.

import type { Tool as ListedTool, ToolAnnotations } from "@modelcontextprotocol/server";
import {
  type Contract,
  contract,
  isRead,
  type Json,
  listOperations,
  type NamedOperation,
  type Operation,
  type OperationTree,
  type Toolset,
} from "@rotorsh/contract";
import { z } from "zod";
import { toolInputOf } from "./confirm.ts";
import { briefly, inputSchemaOf, outputSchemaOf } from "./tool-schema.ts";

/** The MCP servers of Rotor: at `/mcp`, over REST by a workspace key, and over REST by the operator. */
export const toolServers = ["hosted", "stdio", "admin"] as const;
export type ToolServer = (typeof toolServers)[number];

export type Tool = {
  name: string;
  /** `noun.verb` of the operation. */
  key: string;
  operation: Operation;
  /** The group a hosted tool belongs to. */
  toolset: Toolset | undefined;
  /** What the answer calls the entries of a list, where REST says `data`. */
  listName: string | undefined;
  /** What the tool takes, made once: checking with a schema that was never used before is dear. */
  takes: z.ZodObject;
  /** The whole schema of what the operation answers. */
  answers: Json;
  /** The tool as `tools/list` shows it. */
  listed: ListedTool;
};

const built = new Map<ToolServer, readonly Tool[]>();

/** A server's tools in the contract's order, made once per process. */
export function toolsOf(server: ToolServer): readonly Tool[] {
  const tools =
    built.get(server) ?? createTools(listOperations(contract as Contract & OperationTree), server);
  built.set(server, tools);
  return tools;
}

export function createTools(operations: readonly NamedOperation[], server: ToolServer): Tool[] {
  return operations.flatMap((named) => {
    const { hosted, stdio, admin } = named.operation.tools;
    const name = { hosted: hosted?.name, stdio, admin }[server];
    return name === undefined
      ? []
      : [createTool(name, named, server === "hosted" ? hosted?.toolset : undefined)];
  });
}

function createTool(
  name: string,
  { noun, verb, operation }: NamedOperation,
  toolset: Toolset | undefined,
): Tool {
  const { summary, description } = operation;
  const takes = toolInputOf(operation);
  const answers = outputSchemaOf(operation.output);
  const listName = isList(operation) ? name.replace(/^rotor_/, "").replace(/^[a-z]+_/, "") : undefined;
  const listed: ListedTool = {
    name,
    title: titleOf(name),
    description: description ? `${summary} ${description}` : summary,
    inputSchema: inputSchemaOf(takes) as ListedTool["inputSchema"],
    outputSchema: withListName(briefly(answers), listName) as ListedTool["outputSchema"],
    annotations: annotationsOf(operation),
    ...hintsOf(operation),
  };
  return { name, key: `${noun}.${verb}`, operation, toolset, listName, takes, answers, listed };
}

/** What Claude Code reads: words to find a tool by, which ones to load at once, which to ask a person about. */
function hintsOf({ synonyms, human, tools }: Operation): Pick<ListedTool, "_meta"> {
  const hints = {
    ...(synonyms && { "anthropic/searchHint": synonyms }),
    ...(tools.hosted?.always && { "anthropic/alwaysLoad": true }),
    ...(human && { "anthropic/requiresUserInteraction": true }),
  };
  return Object.keys(hints).length > 0 ? { _meta: hints } : {};
}

function annotationsOf(operation: Operation): ToolAnnotations {
  return {
    readOnlyHint: isRead(operation),
    destructiveHint: operation.impact === "destroy",
    idempotentHint: operation.idempotent,
    openWorldHint: false,
  };
}

const abbreviations = new Map([
  ["api", "API"],
  ["dlq", "DLQ"],
  ["dnc", "DNC"],
  ["id", "ID"],
]);

/** `rotor_list_api_keys` → `List API keys`. */
function titleOf(name: string): string {
  const words = name.replace(/^rotor_/, "").split("_");
  const title = words.map((word) => abbreviations.get(word) ?? word).join(" ");
  return title.charAt(0).toUpperCase() + title.slice(1);
}

function isList({ output }: Operation): boolean {
  return output.shape.data instanceof z.ZodArray;
}

/** A list's answer as its tool gives it: `{queues: […], nextCursor}`. */
export function answerOf({ listName }: Pick<Tool, "listName">, body: Json): Json {
  return listName === undefined ? body : renameKey(body, "data", listName);
}

function withListName(schema: Json, listName: string | undefined): Json {
  if (listName === undefined) return schema;
  return { ...schema, properties: renameKey(schema.properties as Json, "data", listName) };
}

/** Keeps the order of the keys. */
function renameKey(object: Json, from: string, to: string): Json {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key === from ? to : key, value]));
}
