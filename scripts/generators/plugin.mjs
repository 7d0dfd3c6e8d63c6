// plugin/: one folder that Claude Code, Codex, Cursor and Gemini CLI can each install. The skills are those of `skills/`;
// the manifests differ only in where each host looks and how it fills in an address and a key.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../paths.mjs";

const about = {
  name: "rotor",
  version: "0.1.0",
  description: "Queues, durable workflows, schedules and approvals of a Rotor server, for coding agents.",
  license: "MIT",
  keywords: ["jobs", "queue", "workflow", "cron", "approvals", "mcp"],
};
const author = { name: "Rotor" };
const localServer = "http://127.0.0.1:8787";

const apiKey = "An API key of the workspace, rt_ws_…; the role developer is enough, and cannot approve.";

export async function generate() {
  const rules = await readFile(join(root, "sdk", "CLAUDE.md"), "utf8");
  return {
    ".claude-plugin/marketplace.json": json(claudeMarketplace),
    ".agents/plugins/marketplace.json": json(codexMarketplace),
    "plugin/.claude-plugin/plugin.json": json(claude),
    "plugin/.codex-plugin/plugin.json": json({ ...about, author, skills: "./skills/" }),
    "plugin/.cursor-plugin/plugin.json": json({ ...about, author, skills: "./skills/", rules: "./rules/" }),
    "plugin/mcp.json": json(cursorServers),
    "plugin/rules/rotor.mdc": `---\ndescription: How to write Rotor workflows\nalwaysApply: false\n---\n${rules}`,
    "plugin/gemini-extension.json": json(gemini),
    "plugin/GEMINI.md": rules,
    ...(await skills()),
  };
}

/** Claude Code asks for the address and the key when the plugin is enabled; without a default it would not start. */
const claude = {
  ...about,
  author,
  userConfig: {
    api_url: {
      type: "string",
      title: "Rotor server",
      description: "Its address, without a path.",
      default: localServer,
    },
    api_key: { type: "string", title: "API key", description: apiKey, sensitive: true, default: "" },
  },
  mcpServers: {
    rotor: {
      type: "http",
      url: "${user_config.api_url}/mcp",
      headers: { Authorization: "Bearer ${user_config.api_key}" },
    },
  },
};

const claudeMarketplace = {
  $schema: "https://anthropic.com/claude-code/marketplace.schema.json",
  name: "rotor-tools",
  description: "Rotor for coding agents.",
  owner: author,
  plugins: [
    { name: about.name, source: "./plugin", description: about.description, category: "development" },
  ],
};

const codexMarketplace = {
  name: "rotor-tools",
  interface: { displayName: "Rotor" },
  plugins: [
    {
      name: about.name,
      source: { source: "local", path: "./plugin" },
      policy: { installation: "AVAILABLE", authentication: "ON_INSTALL" },
      category: "Developer tools",
    },
  ],
};

const cursorServers = {
  mcpServers: {
    rotor: {
      url: "${env:ROTOR_API_URL}/mcp",
      headers: { Authorization: "Bearer ${env:ROTOR_API_KEY}" },
    },
  },
};

const gemini = {
  name: about.name,
  version: about.version,
  description: about.description,
  contextFileName: "GEMINI.md",
  settings: [
    { name: "Rotor server", description: "Its address, without a path.", envVar: "ROTOR_API_URL" },
    { name: "API key", description: apiKey, envVar: "ROTOR_API_KEY", sensitive: true },
  ],
  mcpServers: {
    rotor: { httpUrl: "${ROTOR_API_URL}/mcp", headers: { Authorization: "Bearer ${ROTOR_API_KEY}" } },
  },
};

/** A host copies the plugin's folder and nothing else: its skills must lie inside. */
async function skills() {
  const folder = join(root, "skills");
  const names = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const files = await Promise.all(
    names.map(async ({ name }) => [
      `plugin/skills/${name}/SKILL.md`,
      await readFile(join(folder, name, "SKILL.md"), "utf8"),
    ]),
  );
  return Object.fromEntries(files);
}

function json(value) {
  return `${JSON.stringify(value, null, 2)}\n`;
}
