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

function isOffered({ toolsets: chosen, readOnly }: Address, { toolset, operation }: Tool): boolean {
  return toolset !== undefined && chosen.has(toolset) && (!readOnly || isRead(operation));
}

export type Offer = { tools: readonly Tool[]; readOnly: boolean; bodyBytes: number };

/** What each address offers, worked out when it is first asked for: there are no more than some hundred. */
export function createOffers(all: readonly Tool[]): (pathname: string) => Offer {
  const known = new Map<string, Offer>();
  return (pathname) => {
    const address = readAddress(pathname);
    const key = `${[...address.toolsets].sort().join("+")} ${address.readOnly}`;
    const offer = known.get(key) ?? offerOf(address, all);
    known.set(key, offer);
    return offer;
  };
}

function offerOf(address: Address, all: readonly Tool[]): Offer {
  const chosen = all.filter((tool) => isOffered(address, tool));
  const tools = address.toolsets.size === toolsets.length ? chosen : affordable(chosen);
  return { tools, readOnly: address.readOnly, bodyBytes: bodyLimit(tools) };
}

/** What a listing may cost the model that reads it; only /mcp/x/all may cost more. */
const mostTokens = 14_000;

/** About four characters make a token. */
export function tokensOf(tools: readonly Tool[]): number {
  return Math.ceil(JSON.stringify({ tools: tools.map(({ listed }) => listed) }).length / 4);
}

/** Toolsets that are too much together say no more of their answers than that they are objects. */
function affordable(tools: readonly Tool[]): readonly Tool[] {
  if (tokensOf(tools) <= mostTokens) return tools;
  const brief = tools.map((tool) => ({ ...tool, listed: { ...tool.listed, outputSchema: plainObject } }));
  const tokens = tokensOf(brief);
  if (tokens <= mostTokens) return brief;
  throw notFound(
    `Together these toolsets cost a model ${tokens} tokens, and ${mostTokens} are the most. Leave one out, or take /mcp/x/all.`,
  );
}

const plainObject = { type: "object" } as const;

const kib = 1024;
/** Room for the protocol's own fields around a tool's arguments. */
const envelopeBytes = 64 * kib;
const usualBytes = 512 * kib;

/** As much as the largest call of these tools may have. */
function bodyLimit(tools: readonly Tool[]): number {
  const limits = tools.map(({ operation }) => operation.limits?.bodyBytes ?? usualBytes);
  return Math.max(usualBytes, ...limits) + envelopeBytes;
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
