// Strict mode: a job that exists already is an error, and not answered with.

import { type Call, contract, type Json } from "@rotorsh/contract";

/** Makes every job strict that does not say otherwise itself. */
export function strictly(call: Call): Call {
  return (operation, input, options) => call(operation, strict(operation, input as Json), options);
}

function strict(operation: unknown, input: Json): Json {
  if (operation === contract.jobs.enqueue) return { strict: true, ...input };
  if (operation !== contract.jobs.addBatch || !Array.isArray(input.jobs)) return input;
  return { ...input, jobs: input.jobs.map((job: Json) => ({ strict: true, ...job })) };
}
