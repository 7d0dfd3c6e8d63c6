// The only reader of environment and arguments in this package.

import { parseArgs } from "node:util";
import { z } from "zod";

export type StdioConfig = {
  server: "stdio" | "admin";
  url: string;
  /** An API key, or for the admin server the operator's token. */
  apiKey: string;
  /** Which workspace a team key is used for. */
  workspaceId?: string | undefined;
};

/** Says in one line what is wrong with the environment or the arguments, and how it should look. */
export class ConfigError extends Error {}

const Url = z
  .url({ protocol: /^https?$/, error: "must be an http or https URL" })
  .default("http://127.0.0.1:8787");

const required = "is not set";
const ApiKey = z
  .string(required)
  .regex(/^(?!rt_q_)/, "is the key of one queue, which cannot be used here")
  .regex(/^rt_(ws|team)_\S+$/, "is not an API key");
const WorkspaceId = z.string(required).regex(/^ws_\w+$/, "is not the id of a workspace");
const AdminToken = z.string(required).regex(/^\S+$/, "must not contain spaces");

const examples = {
  ROTOR_API_KEY: "ROTOR_API_KEY=rt_ws_… (make one with `rotor api-keys create --label mcp`)",
  ROTOR_ADMIN_TOKEN: "ROTOR_ADMIN_TOKEN=<the server's ADMIN_TOKEN>",
  ROTOR_WORKSPACE: "ROTOR_WORKSPACE=ws_… (a team key needs it; `rotor workspaces list` shows ids)",
  ROTOR_API_URL: "ROTOR_API_URL=https://rotor.example.com",
};
type Variable = keyof typeof examples;
type Environment = Readonly<Record<string, string | undefined>>;

export function readConfig(env: Environment = process.env, args = process.argv.slice(2)): StdioConfig {
  const server = readServer(args);
  const url = read(env, "ROTOR_API_URL", Url);
  if (server === "admin") return { server, url, apiKey: read(env, "ROTOR_ADMIN_TOKEN", AdminToken) };
  const apiKey = read(env, "ROTOR_API_KEY", ApiKey);
  const isNeeded = apiKey.startsWith("rt_team_") || Boolean(env.ROTOR_WORKSPACE);
  return { server, url, apiKey, ...(isNeeded && { workspaceId: read(env, "ROTOR_WORKSPACE", WorkspaceId) }) };
}

function readServer(args: string[]): StdioConfig["server"] {
  try {
    const { values } = parseArgs({ args, options: { admin: { type: "boolean", default: false } } });
    return values.admin ? "admin" : "stdio";
  } catch {
    throw new ConfigError("rotor-mcp: the only argument is --admin, e.g. rotor-mcp --admin");
  }
}

function read(env: Environment, name: Variable, schema: z.ZodType<string>): string {
  // A host that leaves a setting empty passes an empty text.
  const parsed = schema.safeParse(env[name] || undefined);
  if (parsed.success) return parsed.data;
  throw new ConfigError(`rotor-mcp: ${name} ${parsed.error.issues[0]?.message}, e.g. ${examples[name]}`);
}
