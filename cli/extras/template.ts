// `rotor template list|add|apply`: a starter project, copied. It asks no server.

import { resolve } from "node:path";
import { nearest } from "@rotorsh/contract";
import { exitCodes } from "../exit-codes.ts";
import type { Invocation } from "../invocation.ts";
import { write } from "../io.ts";
import { say } from "../print.ts";
import { confirm } from "../prompt.ts";
import { type Change, carryOut, listTemplates, planCopy, type Template } from "../templates.ts";
import { toJson } from "../text.ts";
import { UsageError } from "../usage-error.ts";

export async function list({ io, mode }: Invocation): Promise<number> {
  const templates = (await listTemplates()).map(({ name, description }) => ({ name, description }));
  const width = Math.max(...templates.map(({ name }) => name.length));
  const lines = templates.map(({ name, description }) => `${name.padEnd(width)}  ${description}`);
  if (mode === "json") await write(io.stdout, `${toJson({ templates }, 2)}\n`);
  else if (mode === "human") await write(io.stdout, `${lines.join("\n")}\n`);
  return exitCodes.ok;
}

export async function apply(invocation: Invocation): Promise<number> {
  const { io, mode, args } = invocation;
  const [name, folder = ".", ...rest] = args.positionals;
  if (rest.length > 0)
    throw new UsageError("Too many arguments.", "Usage: rotor template apply <name> [dir]");
  const template = await findTemplate(name);
  const into = resolve(folder);
  const changes = await planCopy(template, into);
  const wanted = await withoutRefused(invocation, changes);
  await carryOut(wanted, into);
  const files = wanted.map(({ path, kind }) => ({ path, kind }));
  if (mode === "json")
    await write(io.stdout, `${toJson({ template: template.name, folder: into, files }, 2)}\n`);
  else await say(invocation, report(template, folder, wanted));
  return exitCodes.ok;
}

async function findTemplate(name: string | undefined): Promise<Template> {
  const templates = await listTemplates();
  const names = templates.map((template) => template.name);
  if (name === undefined) throw new UsageError("Which template?", `There are ${names.join(", ")}.`);
  const found = templates.find((template) => template.name === name);
  if (found) return found;
  const close = nearest(name, names);
  const hint = close ? `Did you mean ${close}?` : `There are ${names.join(", ")}.`;
  throw new UsageError(`There is no template ${name}.`, hint);
}

/** Nothing that somebody wrote is overwritten without a yes. */
async function withoutRefused(
  { io, isOn }: Invocation,
  changes: readonly Change[],
): Promise<readonly Change[]> {
  const differing = changes.filter(({ kind }) => kind === "differ").map(({ path }) => path);
  if (differing.length === 0 || isOn("force")) return changes;
  const kept = changes.filter(({ kind }) => kind !== "differ");
  if (isOn("keep")) return kept;
  const names = differing.join(", ");
  if (!io.isTTY.stdin) {
    const hint = "Pass --force to overwrite, or --keep to leave them as they are. Nothing was written.";
    throw new UsageError(`There are other files of these names: ${names}.`, hint);
  }
  return (await confirm(io, `Overwrite ${names}?`)) ? changes : kept;
}

const signs = { new: "+", merge: "~", differ: "!", same: "=" };

function report({ name }: Template, folder: string, changes: readonly Change[]): string {
  const lines = changes.map(({ path, kind }) => `  ${signs[kind]} ${path}`);
  const enter = folder === "." ? "" : `cd ${folder} && `;
  return [`${name}:`, ...lines, "", `Next: ${enter}npm install && npm test, then read README.md.`].join("\n");
}
