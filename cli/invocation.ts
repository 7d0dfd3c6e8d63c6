// One run of one command: its arguments, the world outside, and the settings in force.

import { type Call, type Operation, RotorError } from "@rotorsh/contract";
import { callOverHttp, type HttpOptions, type Send, sendOverHttp } from "@rotorsh/sdk";
import type { Arguments } from "./arguments.ts";
import { readConfig, type SavedConfig } from "./config.ts";
import type { Flag } from "./flags.ts";
import type { Io } from "./io.ts";
import { version } from "./version.ts";

export type Mode = "human" | "json" | "quiet";

export type Invocation = {
  io: Io;
  words: readonly string[];
  args: Arguments;
  mode: Mode;
  /** The value of a flag that every command has. */
  option(name: string): string | undefined;
  isOn(name: string): boolean;
};

export function createInvocation(
  io: Io,
  words: readonly string[],
  args: Arguments,
  flags: readonly Flag[],
): Invocation {
  // Where a field has the name of a global flag, what was given is the field.
  const fields = new Set(flags.filter(({ field }) => field !== undefined).map(({ name }) => name));
  const option = (name: string) => (fields.has(name) ? undefined : args.texts.get(name)?.at(-1));
  const isOn = (name: string) => !fields.has(name) && args.switches.get(name) === true;
  const json = isOn("json") || option("format") === "json";
  return { io, words, args, mode: isOn("quiet") ? "quiet" : json ? "json" : "human", option, isOn };
}

export const defaultUrl = "http://127.0.0.1:8787";

export type Settings = {
  url: string;
  apiKey: string | undefined;
  workspaceId: string | undefined;
  adminToken: string | undefined;
};

/** Flag, then environment, then saved file, then default. */
export function settingsOf(
  { io: { env }, option }: Invocation,
  saved: SavedConfig = readConfig(env),
): Settings {
  const given = option("api-key") ?? (env.ROTOR_API_KEY || undefined);
  // The saved workspace belongs to the saved key; another key may not reach it.
  const savedWorkspace = given === undefined ? saved.workspaceId : undefined;
  return {
    url: option("api-url") ?? option("url") ?? (env.ROTOR_API_URL || saved.url) ?? defaultUrl,
    apiKey: given ?? saved.apiKey,
    workspaceId: option("workspace") ?? (env.ROTOR_WORKSPACE || savedWorkspace),
    adminToken: option("admin-token") ?? (env.ROTOR_ADMIN_TOKEN || undefined),
  };
}

export function callFor(invocation: Invocation, operation: Operation): Call {
  const call = callOverHttp(httpOptions(settingsOf(invocation), operation.needs === "operate"));
  const idempotencyKey = invocation.option("idempotency-key");
  const { signal } = invocation.io;
  return (asked, input, options) =>
    call(asked, input, { ...(signal && { signal }), ...(idempotencyKey && { idempotencyKey }), ...options });
}

export function sendFor(invocation: Invocation, asOperator: boolean): Send {
  return sendOverHttp(httpOptions(settingsOf(invocation), asOperator));
}

export function httpOptions(settings: Settings, asOperator: boolean): HttpOptions {
  const { url, apiKey, workspaceId, adminToken } = settings;
  const token = asOperator ? adminToken : apiKey;
  if (!token) {
    const hint = asOperator
      ? "Set ROTOR_ADMIN_TOKEN to the server's ADMIN_TOKEN."
      : "Run `rotor login`, or set ROTOR_API_KEY.";
    throw new RotorError("UNAUTHENTICATED", {}, { hint });
  }
  const common = { url, apiKey: token.trim(), client: `cli/${version}` };
  return asOperator ? common : { ...common, workspaceId };
}
