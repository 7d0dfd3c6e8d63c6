import { Rotor } from "@rotorsh/sdk";
import { complaint, type Host, type RunHost, root } from "../host.ts";
import { type Script, startModelStub } from "../model-stub.ts";
import type { Server } from "../server.ts";

export const codex: Host = {
  package: "@openai/codex@0.169.0",
  program: "node_modules/.bin/codex",
  checks: (server, _home, run) => [
    {
      name: "codex plugin marketplace add",
      run: async () => complaint(await run(["plugin", "marketplace", "add", root])),
    },
    {
      name: "codex plugin add",
      run: async () => complaint(await run(["plugin", "add", "rotor@rotor-tools"])),
    },
    {
      name: "codex mcp add",
      run: async () => {
        const key = ["--bearer-token-env-var", "ROTOR_API_KEY"];
        return complaint(await run(["mcp", "add", "rotor", "--url", `${server.url}/mcp`, ...key]));
      },
    },
    { name: "codex exec: skills reach the model, and its call the server", run: () => callTool(server, run) },
  ],
};

async function callTool(server: Server, run: RunHost): Promise<string> {
  const name = "from-codex";
  const script: Script = ({ turn }) =>
    turn === 0
      ? { type: "tool_use", id: "call_1", name: "mcp__rotor__upsert_queue", input: { name } }
      : { type: "text", text: "done" };
  const model = await startModelStub(script);
  const apiKey = await server.createWorkspace();
  try {
    const provider = `{ name = "stub", base_url = "${model.url}/v1", wire_api = "responses", env_key = "STUB_KEY" }`;
    const config = ["-c", "model_provider=stub", "-c", `model_providers.stub=${provider}`];
    const args = [
      "exec",
      "--json",
      "--skip-git-repo-check",
      "-m",
      "stub",
      ...config,
      `Create the queue ${name}`,
    ];
    const ran = await run(args, { env: { STUB_KEY: "stub", ROTOR_API_KEY: apiKey } });
    if (ran.code !== 0) return ran.output;
    if (!model.asked[0]?.text.includes("rotor:debug-run")) return "the skills did not reach the model";
    const { data } = await new Rotor({ url: server.url, apiKey }).queues.list();
    return data.some((queue) => queue.name === name)
      ? ""
      : `the call did not reach the server: ${ran.output}`;
  } finally {
    await model.close();
  }
}
