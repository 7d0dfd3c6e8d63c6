import type { Context, EventMap, FunctionOptions, Handler, WorkflowFunction } from "./types.ts";

type DataOf<Events extends EventMap, Options> = Options extends { trigger: { event: infer Name } }
  ? Name extends keyof Events
    ? Events[Name]
    : // An event nobody described: any shape.
      // biome-ignore lint/suspicious/noExplicitAny: the author knows the shape, and `unknown` would ask for a cast at every field.
      any
  : Record<string, never>;

const idForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** Defines a workflow: a function whose steps are durable. */
export function createFunction<
  const Options extends FunctionOptions,
  Output,
  Events extends EventMap = EventMap,
>(options: Options, handler: Handler<DataOf<Events, Options>, Output>): WorkflowFunction {
  if (!idForm.test(options.id)) {
    throw new TypeError(
      `"${options.id}" cannot be a function's id: letters, digits, dots, dashes, underscores; 128 at most.`,
    );
  }
  const retries = options.retries ?? 0;
  if (!Number.isInteger(retries) || retries < 0 || retries > 100) {
    throw new TypeError(`The retries of "${options.id}" must be a whole number from 0 to 100.`);
  }
  return { options, handler: handler as WorkflowFunction["handler"] };
}

/**
 * The same, as one object: `workflow({ id, trigger, steps })`.
 * @public
 */
export function workflow<const Options extends FunctionOptions, Output, Events extends EventMap = EventMap>(
  definition: Options & { steps: (context: Context<DataOf<Events, Options>>) => Output | Promise<Output> },
): WorkflowFunction {
  const { steps, ...options } = definition;
  return createFunction<FunctionOptions, Output>(options as unknown as FunctionOptions, steps as never);
}
