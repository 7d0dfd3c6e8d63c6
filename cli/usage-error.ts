import type { RotorError } from "@rotorsh/contract";

/** The command line itself is wrong; nothing was sent. */
export class UsageError extends Error {
  readonly hint: string | undefined;

  /** `cause` is what the server would have answered. */
  constructor(message: string, hint?: string, cause?: RotorError) {
    super(message, { cause });
    this.name = "UsageError";
    this.hint = hint;
  }
}

/** Ctrl-C, also at a prompt. */
export class Interrupted extends Error {}
