import { type Call, type Contract, contract, RotorError, type StreamTree, streams } from "@rotorsh/contract";
import { callOverHttp } from "./call.ts";
import { type ClientOf, createClient } from "./client.ts";
import { defaultUrl, readEnvironment } from "./config.ts";
import { type HttpOptions, sendOverHttp } from "./http.ts";
import { type StreamsOf, streamMethod } from "./stream.ts";

export type RotorOptions = Partial<HttpOptions> & {
  /** The operator's token, for `rotor.admin`; default ROTOR_ADMIN_TOKEN. */
  adminToken?: string | undefined;
};

const Nouns = class {
  constructor(options: RotorOptions) {
    const client = createClient(contract, callFor(options)) as unknown as Record<string, object>;
    for (const [noun, verbs] of Object.entries(streams as unknown as StreamTree)) {
      const methods = Object.entries(verbs).map(([verb, stream]) => [
        verb,
        streamMethod(stream, () => sendOverHttp(userOptions(options))),
      ]);
      client[noun] = { ...client[noun], ...Object.fromEntries(methods) };
    }
    Object.assign(this, client);
  }
} as new (
  options: RotorOptions,
) => ClientOf<Contract> & StreamsOf;

/** A client of one Rotor server. `apiKey` and `url` default to ROTOR_API_KEY and ROTOR_API_URL. */
export class Rotor extends Nouns {
  constructor(options: RotorOptions = {}) {
    super(options);
  }
}

const missing = {
  user: "Pass `apiKey` to Rotor, or set ROTOR_API_KEY.",
  operator: "Pass `adminToken` to Rotor, or set ROTOR_ADMIN_TOKEN.",
};

/** A missing key is an error of the call, so that an app can be built and started without one. */
function callFor(options: RotorOptions): Call {
  const calls = new Map<"user" | "operator", Call>();
  return async (operation, input, callOptions) => {
    const who = operation.needs === "operate" ? "operator" : "user";
    const call =
      calls.get(who) ?? callOverHttp(who === "user" ? userOptions(options) : operatorOptions(options));
    calls.set(who, call);
    return call(operation, input, callOptions);
  };
}

function userOptions({ adminToken: _, ...options }: RotorOptions): HttpOptions {
  const environment = readEnvironment();
  return withKey({ ...options, url: options.url ?? environment.url ?? defaultUrl }, "user", [
    options.apiKey,
    environment.apiKey,
  ]);
}

function operatorOptions({ adminToken, ...options }: RotorOptions): HttpOptions {
  const environment = readEnvironment();
  return withKey({ ...options, url: options.url ?? environment.url ?? defaultUrl }, "operator", [
    adminToken,
    environment.adminToken,
  ]);
}

function withKey(
  options: Omit<HttpOptions, "apiKey">,
  who: keyof typeof missing,
  keys: (string | undefined)[],
): HttpOptions {
  const apiKey = keys.find((key) => key);
  if (!apiKey) throw new RotorError("UNAUTHENTICATED", {}, { hint: missing[who] });
  return { ...options, apiKey };
}
