// What the evaluation reads of the environment.

/** Programs that are started find others by it. */
export const programPath = { PATH: process.env.PATH };

export const anthropicKey = process.env.ANTHROPIC_API_KEY || undefined;
