// L3: real host programs with a scripted model. Their binaries are large, so they are fetched into a cache once; where
// that fails, the checks say that they were not run.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { programPath } from "./config.ts";
import { type Script, startModelStub } from "./model-stub.ts";
import type { HostResult } from "./scorecard.ts";
import type { Server } from "./server.ts";

const root = join(import.meta.dirname, "..");
const cache = join(root, ".cache", "hosts");
const claudePackage = "@anthropic-ai/claude-code@2.1.329";
const claude = join(cache, "node_modules/@anthropic-ai/claude-code-linux-x64/claude");
const installMs = 600_000;
const longestMs = 120_000;

export async function checkHosts(server: Server): Promise<HostResult[]> {
  const missing = await installClaude();
  const home = await mkdtemp(join(tmpdir(), "rotor-host-"));
  try {
    const results: HostResult[] = [];
    for (const { name, run } of checks(server, home)) {
      if (missing) results.push({ check: name, state: "not run", why: missing });
      else results.push(await judged(name, run));
    }
    return results;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

type Check = { name: string; run: () => Promise<string> };

/** Each answers with what is wrong; nothing when it is right. They build on one another. */
function checks(server: Server, home: string): Check[] {
  const run = (args: string[], options: RunOptions = {}) => runClaude(home, args, options);
  return [
    {
      name: "claude plugin validate --strict",
      run: async () => complaint(await run(["plugin", "validate", "--strict", join(root, "plugin")])),
    },
    {
      name: "claude plugin marketplace add",
      run: async () => complaint(await run(["plugin", "marketplace", "add", root])),
    },
    {
      name: "claude plugin install",
      run: async () => {
        const key = await server.createWorkspace();
        const config = ["--config", `api_url=${server.url}`, "--config", `api_key=${key}`];
        return complaint(await run(["plugin", "install", "rotor@rotor-tools", ...config]));
      },
    },
    {
      name: "claude mcp list: the plugin's server is connected",
      run: async () => {
        const { code, output } = await run(["mcp", "list"]);
        return code === 0 && /rotor.*Connected/i.test(output) ? "" : output;
      },
    },
    { name: "/rotor:new-workflow in a headless run", run: () => scaffold(home) },
  ];
}

/** The skill reaches the model, and what it tells the model to run works. */
async function scaffold(home: string): Promise<string> {
  const project = join(home, "project");
  await mkdir(project, { recursive: true });
  const template = "outbound-with-approvals";
  const script: Script = ({ turn }) =>
    turn === 0
      ? {
          type: "tool_use",
          id: "toolu_1",
          name: "Bash",
          input: { command: `rotor template apply ${template}`, description: "Copy the template" },
        }
      : { type: "text", text: "done" };
  const model = await startModelStub(script);
  try {
    const args = [
      "-p",
      `/rotor:new-workflow ${template}`,
      "--allowedTools",
      "Bash(rotor:*)",
      "--output-format",
      "json",
    ];
    const ran = await runClaude(home, args, { cwd: project, modelUrl: model.url });
    if (ran.code !== 0) return ran.output;
    if (!model.asked[0]?.text.includes("Customise")) return "the skill's text did not reach the model";
    return existsSync(join(project, "src", "workflows.ts")) ? "" : "the template was not copied";
  } finally {
    await model.close();
  }
}

async function judged(check: string, run: Check["run"]): Promise<HostResult> {
  const why = await run().catch((error: Error) => error.message);
  return { check, state: why === "" ? "passed" : "failed", why: why.slice(0, 500) };
}

/** Why it cannot be had; undefined when it is there. */
async function installClaude(): Promise<string | undefined> {
  if (process.platform !== "linux" || process.arch !== "x64") return "only fetched for linux-x64";
  if (existsSync(claude)) return undefined;
  await mkdir(cache, { recursive: true });
  const args = ["install", "--prefix", cache, "--force", "--no-audit", "--no-fund", claudePackage];
  const { code, output } = await execute("npm", args, { timeoutMs: installMs });
  return code === 0 && existsSync(claude)
    ? undefined
    : `${claudePackage} cannot be fetched: ${output.slice(-300)}`;
}

type RunOptions = { cwd?: string; modelUrl?: string };
type Ran = { code: number | null; output: string };

async function runClaude(
  home: string,
  args: string[],
  { cwd = home, modelUrl = "http://127.0.0.1:9" }: RunOptions,
) {
  const bin = join(home, "bin");
  await mkdir(bin, { recursive: true });
  if (!existsSync(join(bin, "rotor"))) await symlink(join(root, "cli/bin/rotor.js"), join(bin, "rotor"));
  const env = {
    PATH: `${bin}:${programPath.PATH}`,
    HOME: home,
    ANTHROPIC_BASE_URL: modelUrl,
    ANTHROPIC_API_KEY: "stub",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
  };
  return execute(claude, args, { cwd, env, timeoutMs: longestMs });
}

type ExecuteOptions = { cwd?: string; env?: NodeJS.ProcessEnv; timeoutMs: number };

function execute(program: string, args: string[], { timeoutMs, ...options }: ExecuteOptions): Promise<Ran> {
  return new Promise((resolve) => {
    let output = "";
    const child = spawn(program, args, { ...options, stdio: ["ignore", "pipe", "pipe"], timeout: timeoutMs });
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.stderr.on("data", (chunk) => {
      output += chunk;
    });
    child.on("error", ({ message }) => resolve({ code: null, output: message }));
    child.on("close", (code) => resolve({ code, output }));
  });
}

function complaint({ code, output }: Ran): string {
  return code === 0 ? "" : output || `exit code ${code}`;
}
