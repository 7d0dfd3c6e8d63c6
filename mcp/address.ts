// What an address offers: /mcp, /mcp/x/jobs+schedules, /mcp/x/all, each also with /readonly at the end.

import { isRead, nearest, RotorError, type Toolset, toolsets } from "@rotorsh/contract";
import type { Tool } from "./tools.ts";

export type Address = { toolsets: ReadonlySet<Toolset>; readOnly: boolean };

const everything = "all";

export function readAddress(pathname: string): Address {
  const [root, ...segments] = pathname.split("/").filter((segment) => segment !== "");
  const readOnly = segments.at(-1) === "readonly";
  if (readOnly) segments.pop();
  if (root === "mcp" && segments.length === 0) return { toolsets: new Set(["default"]), readOnly };
  if (root !== "mcp" || segments[0] !== "x" || segments.length !== 2) throw notFound(usage);
  return { toolsets: readToolsets(segments[1] ?? ""), readOnly };
}

export function isOffered({ toolsets: chosen, readOnly }: Address, { toolset, operation }: Tool): boolean {
  return toolset !== undefined && chosen.has(toolset) && (!readOnly || isRead(operation));
}

function readToolsets(segment: string): ReadonlySet<Toolset> {
  const names = segment.replaceAll(/%2b/gi, "+").split("+");
  const unknown = names.find((name) => name !== everything && !isToolset(name));
  if (unknown !== undefined) throw unknownToolset(unknown);
  return new Set(names.includes(everything) ? toolsets : names.filter(isToolset));
}

function isToolset(name: string): name is Toolset {
  return (toolsets as readonly string[]).includes(name);
}

const usage =
  "The MCP server is at /mcp; /mcp/x/<toolset>, /mcp/x/<toolset>+<toolset> and /mcp/x/all offer other tools, " +
  "and /readonly at the end leaves out those that change something.";

function unknownToolset(name: string): RotorError {
  const known = [...toolsets, everything];
  const close = nearest(name, known);
  const suggestion = close ? `Did you mean /mcp/x/${close}? ` : "";
  return notFound(`${suggestion}The toolsets are ${known.join(", ")}.`);
}

function notFound(hint: string): RotorError {
  return new RotorError("ROUTE_NOT_FOUND", {}, { hint });
}
