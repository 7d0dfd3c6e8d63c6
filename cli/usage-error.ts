/** The command line itself is wrong; nothing was sent. */
export class UsageError extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.name = "UsageError";
    this.hint = hint;
  }
}

/** Ctrl-C, also at a prompt. */
export class Interrupted extends Error {}
