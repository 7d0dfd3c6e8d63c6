// The four things a worker asks of the server.

import {
  type CallOptions,
  type Contract,
  contract,
  type InputOf,
  type Operation,
  type OutputOf,
} from "@rotorsh/contract";
import { callOverHttp } from "../call.ts";
import type { HttpOptions } from "../http.ts";

type Jobs = Contract["jobs"];
type InputFor<Verb extends keyof Jobs> = Omit<InputOf<Jobs[Verb]>, "name">;
type Ask<Verb extends keyof Jobs> = (
  input: InputFor<Verb>,
  options?: CallOptions,
) => Promise<OutputOf<Jobs[Verb]>>;

export type WorkerApi = {
  claim: Ask<"claim">;
  end: Ask<"end">;
  extend: Ask<"extend">;
  handBack: Ask<"handBack">;
};

export function createWorkerApi(options: HttpOptions, queueName: string): WorkerApi {
  // Repetition is the worker's own business: it knows what it still has to say, and for how long.
  const call = callOverHttp({ ...options, maxRetries: 0 });
  const ask =
    <Verb extends keyof WorkerApi>(verb: Verb): Ask<Verb> =>
    (input, callOptions) =>
      call(
        contract.jobs[verb] as unknown as Operation,
        { name: queueName, ...input },
        callOptions,
      ) as Promise<OutputOf<Jobs[Verb]>>;
  return { claim: ask("claim"), end: ask("end"), extend: ask("extend"), handBack: ask("handBack") };
}
