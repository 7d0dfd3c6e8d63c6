// One call, four ways: as a person would type it for curl, in TypeScript, on the command line, and as an agent
// sends it over MCP. Everything comes from the operation.

import {
  type Json,
  type NamedOperation,
  type Operation,
  pathParameters,
  routeOf,
  separated,
} from "@rotorsh/contract";
import { exampleInput } from "./example-input.ts";

export type Sample = {
  label: "curl" | "SDK" | "CLI" | "MCP";
  /** Empty where there is no such way. */
  text: string;
  note?: string;
};

export function samplesOf(named: NamedOperation): Sample[] {
  return [curlSample(named), sdkSample(named), cliSample(named), mcpSample(named)];
}

function curlSample({ operation }: NamedOperation): Sample {
  const { method, path } = routeOf(operation);
  const input = exampleInput(operation);
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(input[name])));
  const rest = without(input, pathParameters(operation));
  const inQuery = method === "GET" || method === "DELETE";
  const query = inQuery ? new URLSearchParams(rest as Record<string, string>).toString() : "";
  const token = operation.needs === "operate" ? "ADMIN_TOKEN" : "ROTOR_API_KEY";
  const verb = method === "GET" ? "" : `-X ${method} `;
  const lines = [
    `curl ${verb}"$ROTOR_API_URL${filled}${query && `?${query}`}"`,
    `-H "Authorization: Bearer $${token}"`,
  ];
  if (!inQuery && Object.keys(rest).length > 0) {
    lines.push('-H "Content-Type: application/json"', `-d ${shellQuote(JSON.stringify(rest, null, 2))}`);
  }
  return { label: "curl", text: lines.join(" \\\n  ") };
}

function sdkSample({ noun, verb, operation }: NamedOperation): Sample {
  const { first, rest } = split(operation);
  const args = first.map((value) => JSON.stringify(value));
  if (Object.keys(rest).length > 0) args.push(toSource(rest));
  const reads = operation.needs === "operate" ? "ROTOR_ADMIN_TOKEN" : "ROTOR_API_KEY";
  const text = `import { Rotor } from "@rotorsh/sdk";

// Reads ${reads} and ROTOR_API_URL.
const rotor = new Rotor();
const result = await rotor.${noun}.${verb}(${args.join(", ")});`;
  return { label: "SDK", text };
}

function cliSample({ noun, verb, operation }: NamedOperation): Sample {
  const { first, rest } = split(operation);
  const words = operation.cli ?? `${separated(noun, "-")} ${separated(verb, "-")}`;
  const flags = Object.entries(rest).map(([name, value]) => flag(name, value));
  const text = ["rotor", words, ...first.map(shellWord), ...flags].join(" ");
  if (operation.impact !== "destroy") return { label: "CLI", text };
  return { label: "CLI", text, note: "Asks before it goes ahead; `--force` skips the question." };
}

function mcpSample({ operation }: NamedOperation): Sample {
  const { hosted, stdio, admin } = operation.tools;
  const name = hosted?.name ?? stdio ?? admin;
  if (!name) return { label: "MCP", text: "", note: "No MCP server offers this operation as a tool." };
  const confirm = operation.impact === "destroy" ? { confirm: true } : {};
  const call = { name, arguments: { ...exampleInput(operation), ...confirm } };
  const where = [
    hosted && `Hosted at \`${hosted.toolset === "default" ? "/mcp" : `/mcp/x/${hosted.toolset}`}\`.`,
    stdio && `\`rotor-mcp\` over stdio${hosted ? ` calls it \`${stdio}\`` : ""}.`,
    admin && "`rotor-mcp --admin` over stdio, with the operator's token.",
    operation.impact === "destroy" && "Without `confirm` nothing changes and the answer is a preview.",
  ];
  return { label: "MCP", text: JSON.stringify(call, null, 2), note: where.filter(Boolean).join(" ") };
}

/** Arguments that come first and without a name, and the others. */
function split(operation: Operation): { first: unknown[]; rest: Json } {
  const input = exampleInput(operation);
  const names = (operation.positionals ?? []).filter((name) => name in input);
  return { first: names.map((name) => input[name]), rest: without(input, names) };
}

function without(input: Json, names: readonly string[]): Json {
  return Object.fromEntries(Object.entries(input).filter(([name]) => !names.includes(name)));
}

function flag(name: string, value: unknown): string {
  const option = `--${separated(name, "-").replaceAll("_", "-")}`;
  if (value === true) return option;
  return `${option} ${shellWord(value)}`;
}

function shellWord(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return /^[\w@%+=:,./-]+$/.test(text) ? text : shellQuote(text);
}

function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A value as a person writes it in TypeScript: names without quotes where they need none. */
function toSource(value: unknown, indent = ""): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) return `[${value.map((item) => toSource(item, indent)).join(", ")}]`;
  const lines = Object.entries(value).map(([name, field]) => {
    const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
    return `${inner}${key}: ${toSource(field, inner)},\n`;
  });
  return lines.length === 0 ? "{}" : `{\n${lines.join("")}${indent}}`;
}
