import { type Call, type Contract, contract, RotorError } from "@rotorsh/contract";
import { callOverHttp } from "./call.ts";
import { type ClientOf, createClient } from "./client.ts";
import { defaultUrl, readEnvironment } from "./config.ts";
import type { HttpOptions } from "./http.ts";

export type RotorOptions = Partial<HttpOptions> & {
  /** The operator's token, for `rotor.admin`; default ROTOR_ADMIN_TOKEN. */
  adminToken?: string | undefined;
};

const Nouns = class {
  constructor(call: Call) {
    Object.assign(this, createClient(contract, call));
  }
} as new (
  call: Call,
) => ClientOf<Contract>;

/** A client of one Rotor server. `apiKey` and `url` default to ROTOR_API_KEY and ROTOR_API_URL. */
export class Rotor extends Nouns {
  constructor(options: RotorOptions = {}) {
    super(callFor(options));
  }
}

/** A missing key is an error of the call, so that an app can be built and started without one. */
function callFor({ adminToken, ...options }: RotorOptions): Call {
  const environment = readEnvironment();
  const url = options.url ?? environment.url ?? defaultUrl;
  const keys = { user: options.apiKey ?? environment.apiKey, operator: adminToken ?? environment.adminToken };
  const hints = {
    user: "Pass `apiKey` to Rotor, or set ROTOR_API_KEY.",
    operator: "Pass `adminToken` to Rotor, or set ROTOR_ADMIN_TOKEN.",
  };
  const calls = new Map<keyof typeof keys, Call>();
  return async (operation, input, callOptions) => {
    const who = operation.needs === "operate" ? "operator" : "user";
    const apiKey = keys[who];
    if (!apiKey) throw new RotorError("UNAUTHENTICATED", {}, { hint: hints[who] });
    const call = calls.get(who) ?? callOverHttp({ ...options, url, apiKey });
    calls.set(who, call);
    return call(operation, input, callOptions);
  };
}
