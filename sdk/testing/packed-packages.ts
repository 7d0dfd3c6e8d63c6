// The published packages as somebody gets them: packed, and installed into a folder outside of this checkout. It needs no
// network: the one package they depend on, and the tools of the starter projects, are those that are installed here.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { build } from "../../scripts/build.mjs";

const root = join(import.meta.dirname, "../..");
const packages = ["contract", "sdk", "cli", "templates"];
const tools = ["@types/node", "tsx", "typescript", "vitest"];
const programs = ["tsc", "tsx", "vitest"];

export async function installPackedPackages(folder: string): Promise<void> {
  await build(["cli"]);
  const folders = packages.map((name) => join(root, name));
  const packed = await runIn(folder, "npm", ["pack", "--json", "--pack-destination", folder, ...folders]);
  const tarballs = JSON.parse(packed) as { name: string; filename: string }[];
  const dependencies = {
    ...Object.fromEntries(tarballs.map(({ name, filename }) => [name, `file:${filename}`])),
    zod: `file:${join(root, "node_modules/zod")}`,
  };
  await writeFile(join(folder, "package.json"), JSON.stringify({ private: true, dependencies }));
  await runIn(folder, "npm", ["install", "--offline", "--install-links", "--no-audit", "--no-fund"]);
  for (const path of [...tools, ...programs.map((name) => `.bin/${name}`)]) {
    const link = join(folder, "node_modules", path);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(root, "node_modules", path), link);
  }
}

/** What it printed; what it complained of is thrown. Nothing of this process's environment reaches it but the path. */
export async function runIn(
  folder: string,
  program: string,
  args: string[],
  more: Record<string, string> = {},
): Promise<string> {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...more };
  const child = spawn(program, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  const [out, all]: [string[], string[]] = [[], []];
  child.stdout.on("data", (chunk) => [out, all].forEach((said) => void said.push(String(chunk))));
  child.stderr.on("data", (chunk) => all.push(String(chunk)));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}:\n${all.join("")}`);
  return out.join("");
}
