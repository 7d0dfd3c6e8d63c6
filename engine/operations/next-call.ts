import { type Contract, contract, listOperations, type OperationTree } from "@rotorsh/contract";

type Call = { operation: string; arguments: Record<string, unknown>; why: string };

/** What somebody may do next, with the MCP tool that does it. */
export function withTool(call: Call): Call & { tool: string | null } {
  const all = listOperations(contract as Contract & OperationTree);
  const named = all.find(({ noun, verb }) => `${noun}.${verb}` === call.operation);
  if (!named) throw new Error(`There is no operation ${call.operation}`);
  return { ...call, tool: named.operation.tools.hosted?.name ?? null };
}
