// Starter projects, and what copying one into a folder would do there.

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

type Manifest = {
  description?: string;
  scripts?: Record<string, string>;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  [field: string]: unknown;
};

export type Template = { name: string; description: string; folder: string };

/** They lie in a package of their own, so that this works without a network. */
export async function listTemplates(): Promise<Template[]> {
  const root = dirname(createRequire(import.meta.url).resolve("@rotorsh/templates/package.json"));
  const entries = await readdir(root, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory() && entry.name !== "node_modules");
  return Promise.all(
    folders.map(async ({ name }) => {
      const folder = join(root, name);
      const { description = "" } = await readManifest(join(folder, "package.json"));
      return { name, description, folder };
    }),
  );
}

export type Change = {
  path: string;
  text: string;
  /** `same` is there already; `merge` adds to a package.json and changes nothing in it; `differ` would overwrite. */
  kind: "new" | "same" | "merge" | "differ";
};

export async function planCopy(template: Template, into: string): Promise<Change[]> {
  const entries = await readdir(template.folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(template.folder.length + 1))
    .filter((path) => !path.startsWith("node_modules") && path !== "package-lock.json")
    .sort();
  const files = await Promise.all(paths.map((path) => planFile(template.folder, into, path)));
  return [await planIgnore(into), ...files];
}

/** npm takes files of this name out of packages, so it cannot lie with the others. What a project has stays. */
async function planIgnore(into: string): Promise<Change> {
  const path = ".gitignore";
  const isThere = (await readIfThere(join(into, path))) !== undefined;
  return { path, text: "node_modules\n.env\n", kind: isThere ? "same" : "new" };
}

async function planFile(from: string, into: string, path: string): Promise<Change> {
  const text = await readFile(join(from, path), "utf8");
  const there = await readIfThere(join(into, path));
  if (there === undefined) return { path, text, kind: "new" };
  if (there === text) return { path, text, kind: "same" };
  if (path !== "package.json") return { path, text, kind: "differ" };
  const merged = mergeManifests(there, text);
  return merged === undefined
    ? { path, text, kind: "differ" }
    : { path, text: merged, kind: merged === there ? "same" : "merge" };
}

/** What the project has wins; undefined when its file cannot be understood. */
function mergeManifests(there: string, added: string): string | undefined {
  try {
    const [mine, theirs] = [JSON.parse(there) as Manifest, JSON.parse(added) as Manifest];
    const merged = { ...mine };
    for (const field of ["scripts", "dependencies", "devDependencies"] as const) {
      const both = { ...theirs[field], ...mine[field] };
      if (Object.keys(both).length > Object.keys(mine[field] ?? {}).length) merged[field] = both;
    }
    const isUnchanged = JSON.stringify(merged) === JSON.stringify(mine);
    return isUnchanged ? there : `${JSON.stringify(merged, null, 2)}\n`;
  } catch {
    return undefined;
  }
}

export async function carryOut(changes: readonly Change[], into: string): Promise<void> {
  for (const { path, text } of changes.filter(({ kind }) => kind !== "same")) {
    const file = join(into, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function readManifest(path: string): Promise<Manifest> {
  return JSON.parse(await readFile(path, "utf8")) as Manifest;
}
