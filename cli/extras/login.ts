import { existsSync } from "node:fs";
import { contract, type Json, type Operation } from "@rotorsh/contract";
import { callOverHttp } from "@rotorsh/sdk";
import { configPath, deleteConfig, readConfig, type SavedConfig, saveConfig } from "../config.ts";
import { exitCodes } from "../exit-codes.ts";
import { defaultUrl, httpOptions, type Invocation, settingsOf } from "../invocation.ts";
import { readAll } from "../io.ts";
import { printOutput, say } from "../print.ts";
import { ask } from "../prompt.ts";
import { plain } from "../text.ts";
import { UsageError } from "../usage-error.ts";

/** Takes the key from --api-key, a pipe or a prompt. Of what was saved before, only the server is kept. */
export async function login(invocation: Invocation): Promise<number> {
  const { io, mode } = invocation;
  const { url = defaultUrl } = readSaved(io.env);
  const settings = settingsOf(invocation, { url });
  const apiKey = (invocation.option("api-key") ?? (await readKey(invocation))).trim();
  if (!apiKey.startsWith("rt_")) {
    throw new UsageError("That is not an API key of Rotor: it begins with rt_.", "Paste the whole key.");
  }
  const call = callOverHttp(httpOptions({ ...settings, apiKey }, false));
  const who = await call(contract.whoami.get as unknown as Operation, {}, io.signal && { signal: io.signal });
  const path = saveConfig(io.env, {
    apiKey,
    ...(settings.url !== defaultUrl && { url: settings.url }),
    ...(settings.workspaceId && { workspaceId: settings.workspaceId }),
  });
  if (mode === "json") await printOutput(invocation, who);
  else await say(invocation, welcome(who, settings.url, path));
  if (io.env.ROTOR_API_KEY) await say(invocation, "! ROTOR_API_KEY is set, and wins over the saved key.");
  return exitCodes.ok;
}

async function readKey({ io }: Invocation): Promise<string> {
  const key = io.isTTY.stdin
    ? await ask(io, "Paste your API key (rt_ws_…; it is not shown): ", { secret: true })
    : await readAll(io.stdin);
  if (key?.trim()) return key;
  throw new UsageError(
    "No API key was given.",
    "Paste it at the prompt, or pipe it: `rotor login < key.txt`.",
  );
}

function welcome(who: Json, url: string, path: string): string {
  const { label, role, workspace_name } = who as { label: string; role: string; workspace_name: string };
  return plain(
    `Logged in to ${url} with the key ${label} (${role}), workspace ${workspace_name}. Saved in ${path}.`,
  );
}

export async function logout(invocation: Invocation): Promise<number> {
  const { env } = invocation.io;
  const had = existsSync(configPath(env));
  const path = deleteConfig(env);
  await say(
    invocation,
    had ? `Logged out: ${path} is deleted. The key itself stays valid.` : "No key was saved.",
  );
  return exitCodes.ok;
}

/** A damaged file must not hinder the command that writes it anew. */
function readSaved(env: Invocation["io"]["env"]): SavedConfig {
  try {
    return readConfig(env);
  } catch (error) {
    if (error instanceof UsageError) return {};
    throw error;
  }
}
