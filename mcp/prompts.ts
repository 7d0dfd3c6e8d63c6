// What people start an agent with, from the menu of their client.

import { ProtocolError, ProtocolErrorCode, type Server } from "@modelcontextprotocol/server";
import { type Call, names, nearest } from "@rotorsh/contract";
import { complete } from "./completion.ts";
import { type PromptText, promptTexts } from "./prompts.generated.ts";
import type { Session } from "./server.ts";

const longestArgument = 4000;

export function servePrompts(server: Server, _: Session): void {
  server.setRequestHandler("prompts/list", () => ({ prompts: promptTexts.map(listed) }));
  server.setRequestHandler("prompts/get", ({ params }) => {
    const prompt = promptNamed(params.name);
    const text = fill(prompt, params.arguments ?? {});
    return {
      description: prompt.description,
      messages: [{ role: "user" as const, content: { type: "text" as const, text } }],
    };
  });
}

function listed({ name, title, description, arguments: args }: PromptText) {
  return {
    name,
    title,
    description,
    arguments: args.map((one) => ({
      name: one.name,
      description: one.description,
      required: one.otherwise === undefined,
    })),
  };
}

/** Values for an argument that names something there is; for the others nobody but the person knows any. */
export async function completePrompt(call: Call, name: string, argument: { name: string; value: string }) {
  const known = promptNamed(name).arguments.find((one) => one.name === argument.name);
  if (!known?.completes) return { values: [], total: 0, hasMore: false };
  return complete(call, names[known.completes], argument.value);
}

function promptNamed(name: string): PromptText {
  const found = promptTexts.find((prompt) => prompt.name === name);
  if (found) return found;
  const known = promptTexts.map((prompt) => prompt.name);
  const close = nearest(name, known);
  throw invalid(
    close
      ? `There is no prompt of that name; did you mean ${close}?`
      : `There is no prompt of that name. Prompts here: ${known.join(", ")}.`,
  );
}

function fill({ name, arguments: args, text }: PromptText, given: Record<string, string>): string {
  const values = new Map(
    args.map((one) => {
      const value = given[one.name]?.trim() || one.otherwise;
      if (value === undefined) throw invalid(`The prompt ${name} needs ${one.name}: ${one.description}`);
      if (value.length > longestArgument)
        throw invalid(`${one.name} is longer than ${longestArgument} characters.`);
      return [one.name, value] as const;
    }),
  );
  const unknown = Object.keys(given).find((key) => !values.has(key));
  if (unknown !== undefined) {
    throw invalid(`The prompt ${name} takes ${[...values.keys()].join(", ")} and nothing else.`);
  }
  return text.replaceAll(/\{(\w+)\}/g, (placeholder, key: string) => values.get(key) ?? placeholder);
}

function invalid(message: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, message);
}
