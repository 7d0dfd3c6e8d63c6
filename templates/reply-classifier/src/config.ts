// What this app reads of the environment; .env.example says what each is.

export const port = Number(process.env.PORT ?? 3000);
export const serveUrl = process.env.ROTOR_SERVE_URL ?? `http://127.0.0.1:${port}/api/rotor`;

export const anthropic = {
  apiKey: process.env.ANTHROPIC_API_KEY,
  model: process.env.ANTHROPIC_MODEL ?? "claude-haiku-4-5",
};
