import type { AnyEvents, Context, FunctionOptions, Handler, WorkflowFunction } from "./types.ts";

/** The data of the event that triggers a function. */
export type DataOf<Events extends object, Options> = Options extends { trigger: { event: infer Name } }
  ? Name extends keyof Events
    ? Events[Name]
    : unknown
  : Record<string, never>;

const idForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** Defines a workflow: a function whose steps are durable. */
export function createFunction<
  const Options extends FunctionOptions,
  Output,
  Events extends object = AnyEvents,
>(options: Options, handler: Handler<DataOf<Events, Options>, Output>): WorkflowFunction {
  const { id, trigger, retries = 0 } = options;
  if (!idForm.test(id)) {
    throw new TypeError(
      `"${id}" cannot be a function's id: letters, digits, dots, dashes, underscores; 128 at most.`,
    );
  }
  if (!trigger || !("event" in trigger || "cron" in trigger)) {
    throw new TypeError(`"${id}" needs a trigger: { event } or { cron, timezone }.`);
  }
  if (!Number.isInteger(retries) || retries < 0 || retries > 100) {
    throw new TypeError(`The retries of "${id}" must be a whole number from 0 to 100.`);
  }
  return { id, options, handler: handler as WorkflowFunction["handler"] };
}

/** The same, as one object: `workflow({ id, trigger, steps })`. */
export function workflow<const Options extends FunctionOptions, Output, Events extends object = AnyEvents>(
  definition: Options & { steps: (context: Context<DataOf<Events, Options>>) => Output | Promise<Output> },
): WorkflowFunction {
  const { steps, ...options } = definition;
  return createFunction<FunctionOptions, Output>(options as unknown as FunctionOptions, steps as never);
}
