// The programs that check the MCP server from outside: the official conformance suite and mcp-remote, with the Node
// that the suite needs. Far too large to be dependencies, so they are fetched once, into a cache, when a test needs them.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const versions = {
  "@modelcontextprotocol/conformance": "0.2.0-alpha.12",
  "@modelcontextprotocol/inspector": "2.12.0",
  "mcp-remote": "0.15.1",
  node: "22.23.3",
};

const name = createHash("sha256").update(JSON.stringify(versions)).digest("hex").slice(0, 12);
const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
const folder = join(cache, "rotor", `mcp-tools-${name}`);

/** Where they are, or in one line why they cannot be had. */
export async function findMcpTools() {
  const modules = join(folder, "node_modules");
  const tools = {
    /** Node 22, which runs the suite. */
    node: join(modules, "node", "bin", "node"),
    conformance: join(modules, "@modelcontextprotocol", "conformance", "dist", "index.js"),
    inspector: join(
      modules,
      "@modelcontextprotocol",
      "inspector",
      "clients",
      "launcher",
      "build",
      "index.js",
    ),
    remote: join(modules, "mcp-remote", "dist", "proxy.js"),
  };
  if (await isThere(tools.remote)) return tools;
  try {
    await fetchTools();
    return tools;
  } catch (error) {
    const [line] = String(error.stderr || error.message)
      .trim()
      .split("\n");
    return { missing: `the programs that check MCP could not be fetched with npm: ${line}` };
  }
}

const isThere = (path) =>
  access(path).then(
    () => true,
    () => false,
  );

/** Into a folder of its own first: two processes that fetch at once do not meet, and half a fetch is none. */
async function fetchTools() {
  const making = `${folder}.${process.pid}`;
  await mkdir(making, { recursive: true });
  const dependencies = versions;
  await writeFile(join(making, "package.json"), JSON.stringify({ private: true, dependencies }));
  const npm = ["install", "--no-audit", "--no-fund", "--no-package-lock", "--foreground-scripts"];
  await promisify(execFile)("npm", npm, { cwd: making, timeout: 300_000 });
  await rename(making, folder).catch(() => rm(making, { recursive: true, force: true }));
}
