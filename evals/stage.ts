// Where one case is played: a workspace in the state that the case describes, and an MCP client in it.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { contract, type Json, type OperationTree } from "@rotorsh/contract";
import { callOverHttp } from "@rotorsh/sdk";
import type { Case } from "./case.ts";
import type { Server } from "./server.ts";
import { matches, type Turn } from "./transcript.ts";

export type Stage = {
  tools: { name: string; description?: string; inputSchema: object }[];
  call(tool: string, args: Json): Promise<Turn>;
  /** What the end state is and should not be; nothing when all of it holds. */
  differences(): Promise<string[]>;
  close(): Promise<void>;
};

export async function setStage(server: Server, one: Case): Promise<Stage> {
  const apiKey = await server.createWorkspace();
  const operate = callOverHttp({ url: server.url, apiKey });
  for (const { operation, input } of one.setup) await operate(operationOf(operation), input);
  const client = new Client({ name: "rotor-evals", version: "0.1.0" });
  const address = one.toolset === "all" ? "/mcp/x/all" : "/mcp";
  const requestInit = { headers: { authorization: `Bearer ${apiKey}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(server.url + address), { requestInit }));
  const { tools } = await client.listTools();
  return {
    tools: tools as Stage["tools"],
    async call(tool, args) {
      // A tool that there is not is an error of the protocol; to the agent it is one like another.
      const answer = await client.callTool({ name: tool, arguments: args }).catch(({ message }: Error) => ({
        content: [{ text: message }],
        structuredContent: undefined,
        isError: true,
      }));
      const text = (answer.content as { text?: string }[])[0]?.text ?? "";
      const result = (answer.structuredContent ?? errorOf(text)) as Json;
      return { tool, arguments: args, result, isError: answer.isError ?? false };
    },
    async differences() {
      const found = await Promise.all(
        one.end_state.map(async ({ operation, input, matches: wanted }) => {
          const got = await operate(operationOf(operation), input);
          return matches(wanted, got) ? [] : [`${operation} is not ${JSON.stringify(wanted)}`];
        }),
      );
      return found.flat();
    },
    close: () => client.close(),
  };
}

/** The first line of an error is the body that REST would answer; what follows is for a reader. */
function errorOf(text: string): Json {
  try {
    return { ...JSON.parse(text.split("\n")[0] ?? ""), text };
  } catch {
    return { text };
  }
}

function operationOf(name: string) {
  const [noun = "", verb = ""] = name.split(".");
  const operation = (contract as OperationTree)[noun]?.[verb];
  if (!operation) throw new Error(`a case names ${name}, which is no operation`);
  return operation;
}
