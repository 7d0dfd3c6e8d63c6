import type { Call } from "@rotorsh/contract";
import { readOutput } from "./answer.ts";
import { type HttpOptions, sendOverHttp } from "./http.ts";
import { toRequest } from "./request.ts";

/** Performs operations on a server; the counterpart of calling the engine in this process. */
export function callOverHttp(options: HttpOptions): Call {
  const send = sendOverHttp(options);
  return async (operation, input, callOptions) => send(toRequest(operation, input), readOutput, callOptions);
}
