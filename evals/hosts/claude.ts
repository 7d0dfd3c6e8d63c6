import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { complaint, type Host, type RunHost, root } from "../host.ts";
import { type Script, startModelStub } from "../model-stub.ts";

export const claude: Host = {
  package: "@anthropic-ai/claude-code@2.1.329",
  program: "node_modules/@anthropic-ai/claude-code-linux-x64/claude",
  checks(server, home, run) {
    const offline: RunHost = (args) => run(args, { env: envWith("http://127.0.0.1:9") });
    return [
      {
        name: "claude plugin validate --strict",
        run: async () => complaint(await offline(["plugin", "validate", "--strict", join(root, "plugin")])),
      },
      {
        name: "claude plugin marketplace add",
        run: async () => complaint(await offline(["plugin", "marketplace", "add", root])),
      },
      {
        name: "claude plugin install",
        run: async () => {
          const key = await server.createWorkspace();
          const config = ["--config", `api_url=${server.url}`, "--config", `api_key=${key}`];
          return complaint(await offline(["plugin", "install", "rotor@rotor-tools", ...config]));
        },
      },
      {
        name: "claude mcp list: the plugin's server is connected",
        run: async () => {
          const { code, output } = await offline(["mcp", "list"]);
          return code === 0 && /rotor.*Connected/i.test(output) ? "" : output;
        },
      },
      { name: "/rotor:new-workflow in a headless run of claude", run: () => scaffold(home, run) },
    ];
  },
};

/** The skill reaches the model, and what it tells the model to run works. */
async function scaffold(home: string, run: RunHost): Promise<string> {
  const project = join(home, "project");
  await mkdir(project, { recursive: true });
  const template = "outbound-with-approvals";
  const copy = { command: `rotor template apply ${template}`, description: "Copy the template" };
  const script: Script = ({ turn }) =>
    turn === 0
      ? { type: "tool_use", id: "toolu_1", name: "Bash", input: copy }
      : { type: "text", text: "done" };
  const model = await startModelStub(script);
  try {
    const allowed = ["--allowedTools", "Bash(rotor:*)", "--output-format", "json"];
    const args = ["-p", `/rotor:new-workflow ${template}`, ...allowed];
    const ran = await run(args, { cwd: project, env: envWith(model.url) });
    if (ran.code !== 0) return ran.output;
    if (!model.asked[0]?.text.includes("Customise")) return "the skill's text did not reach the model";
    return existsSync(join(project, "src", "workflows.ts")) ? "" : "the template was not copied";
  } finally {
    await model.close();
  }
}

function envWith(modelUrl: string): Record<string, string> {
  return {
    ANTHROPIC_BASE_URL: modelUrl,
    ANTHROPIC_API_KEY: "stub",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
  };
}
