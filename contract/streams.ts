// What one can follow: declared once, like an operation, and served as server-sent events.

import { z } from "zod";
import type { ErrorCode } from "./errors.ts";
import type { Permission } from "./operation.ts";
import { Run, RunId, Step } from "./runs.ts";

export type Stream<
  Input extends z.ZodObject = z.ZodObject,
  Message extends z.ZodObject = z.ZodObject,
  Positionals extends readonly string[] = readonly string[],
> = {
  route: `GET /v1/${string}`;
  /** One sentence, for the CLI's help. */
  summary: string;
  positionals: Positionals;
  needs: Permission;
  input: Input;
  /** Name of its events. */
  event: string;
  /** The data of each. */
  message: Message;
  errors: readonly ErrorCode[];
};

export type StreamTree = Record<string, Record<string, Stream>>;

function stream<
  Input extends z.ZodObject,
  Message extends z.ZodObject,
  const Positionals extends readonly (keyof Input["shape"] & string)[],
>(definition: Stream<Input, Message, Positionals>): Stream<Input, Message, Positionals> {
  return definition;
}

/** By noun and verb, beside the operations. */
export const streams = {
  runs: {
    stream: stream({
      route: "GET /v1/runs/{id}/events",
      summary: "Follow a run: every change of it and of its steps, until it has ended.",
      positionals: ["id"],
      needs: "read",
      input: z.strictObject({ id: RunId }),
      event: "run",
      message: z.object({
        run: Run.extend({ output: z.unknown() }),
        steps: z
          .array(Step)
          .describe(
            "Those that changed; all of them in the first message. Results beyond 16 KB are left out.",
          ),
      }),
      errors: ["RUN_NOT_FOUND", "TOO_MANY_STREAMS"],
    }),
  },
};
export type Streams = typeof streams;

export type MessageOf<Of extends Stream> = z.output<Of["message"]>;
