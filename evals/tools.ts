// The hosted tools as `tools/list` shows them. The snapshots are what is listed: a test of `mcp/` keeps them so.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { contract, type Json, listOperations, type OperationTree, type Toolset } from "@rotorsh/contract";
import type { Text } from "./retrieval.ts";

const snapshots = join(import.meta.dirname, "../mcp/tools/hosted");

export type Tool = Text & { toolset: Toolset; inputSchema: Json; annotations: Json };

export async function readTools(): Promise<Tool[]> {
  const toolsets = new Map(
    listOperations(contract as OperationTree).flatMap(({ operation }) => {
      const { hosted } = operation.tools;
      return hosted ? [[hosted.name, hosted.toolset] as const] : [];
    }),
  );
  const files = (await readdir(snapshots)).sort();
  const listed = await Promise.all(
    files.map(async (file) => JSON.parse(await readFile(join(snapshots, file), "utf8"))),
  );
  return listed.map(({ name, description, inputSchema, annotations, _meta }) => {
    const toolset = toolsets.get(name);
    if (!toolset) throw new Error(`${name} has a snapshot, and the contract does not know it`);
    return {
      name,
      description,
      inputSchema,
      annotations,
      toolset,
      hint: _meta?.["anthropic/searchHint"] ?? "",
    };
  });
}

/** What `/mcp` lists, and what `/mcp/x/all` does. */
export const addresses = ["default", "all"] as const;
export type Address = (typeof addresses)[number];

export function listing(tools: readonly Tool[], address: Address): Tool[] {
  return tools.filter(({ toolset }) => address === "all" || toolset === "default");
}
