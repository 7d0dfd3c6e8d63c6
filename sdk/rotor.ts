import {
  type Call,
  type Contract,
  contract,
  type OutputOf,
  RotorError,
  type StreamTree,
  streams,
} from "@rotorsh/contract";
import { callOverHttp } from "./call.ts";
import { type ClientOf, createClient } from "./client.ts";
import { defaultUrl, readEnvironment } from "./config.ts";
import { type HttpOptions, sendOverHttp } from "./http.ts";
import { type SchedulesClient, type WithHistory, withHistory } from "./schedule-runs.ts";
import { type StreamsOf, streamMethod } from "./stream.ts";
import { strictly } from "./strict.ts";
import { createFunction, type DataOf } from "./workflow/define.ts";
import type { AnyEvents, FunctionOptions, Handler, WorkflowFunction } from "./workflow/types.ts";

export type RotorOptions = Partial<HttpOptions> & {
  /** The operator's token, for `rotor.admin`; default ROTOR_ADMIN_TOKEN. */
  adminToken?: string | undefined;
  /** True to get RotorIdempotencyConflict when a job with the same id exists already. */
  strictIdempotency?: boolean | undefined;
};

const Nouns = class {
  constructor(options: RotorOptions) {
    const client = createClient(contract, callOf(options)) as unknown as Record<string, object>;
    for (const [noun, verbs] of Object.entries(streams as unknown as StreamTree)) {
      const methods = Object.entries(verbs).map(([verb, stream]) => [
        verb,
        streamMethod(stream, () => sendOverHttp(userOptions(options))),
      ]);
      client[noun] = { ...client[noun], ...Object.fromEntries(methods) };
    }
    Object.assign(this, client, { schedules: withHistory(client.schedules as SchedulesClient) });
  }
} as new (
  options: RotorOptions,
) => Omit<ClientOf<Contract>, "schedules"> & StreamsOf & { readonly schedules: WithHistory };

export type SendEventOptions = {
  /** A second event with this id is the first one again. */
  id?: string;
  /** Milliseconds since 1970; in the future the event is published then. */
  ts?: number;
  /** Another way to say the same as `id`: the id follows from it. */
  idempotencyKey?: string;
};

type Sent = OutputOf<Contract["events"]["send"]>;
type Triggered = OutputOf<Contract["functions"]["trigger"]>;

/** Events of our own that anybody may send. */
type OwnEvents = { "rotor/cancel.run": { runId: string } };

/**
 * A client of one Rotor server. `apiKey` and `url` default to ROTOR_API_KEY and ROTOR_API_URL. With a map of events,
 * `Rotor<{ "user.created": { userId: string } }>`, their names and data are checked by the compiler.
 */
export class Rotor<Events extends object = AnyEvents> extends Nouns {
  constructor(options: RotorOptions = {}) {
    super(options);
  }

  /** Publishes an event: it starts the workflows it triggers, and wakes the runs that wait for it. */
  send<Name extends keyof (Events & OwnEvents) & string>(
    name: Name,
    data: (Events & OwnEvents)[Name],
    options: SendEventOptions = {},
  ): Promise<Sent> {
    return this.events.send(name, data, options);
  }

  readonly workflow = {
    /** Starts a workflow by its id, or those that an event of this name triggers, and does not wait for them. */
    trigger: (name: string, data?: unknown, options: { idempotencyKey?: string } = {}): Promise<Triggered> =>
      this.functions.trigger(name, data, options),
  };

  /** `createFunction` for the events of this client. */
  createFunction<const Options extends FunctionOptions, Output>(
    options: Options,
    handler: Handler<DataOf<Events, Options>, Output>,
  ): WorkflowFunction {
    return createFunction<Options, Output, Events>(options, handler);
  }
}

const missing = {
  user: "Pass `apiKey` to Rotor, or set ROTOR_API_KEY.",
  operator: "Pass `adminToken` to Rotor, or set ROTOR_ADMIN_TOKEN.",
};

function callOf({ strictIdempotency, ...options }: RotorOptions): Call {
  const call = callFor(options);
  return strictIdempotency ? strictly(call) : call;
}

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
