// The only reader of the environment in this package.

export type Environment = {
  apiKey: string | undefined;
  url: string | undefined;
  adminToken: string | undefined;
  signingKey: string | undefined;
  serveUrl: string | undefined;
};

export const defaultUrl = "http://127.0.0.1:8787";

export function readEnvironment(): Environment {
  // Some runtimes that run user code have no `process`.
  const env = typeof process === "undefined" ? {} : process.env;
  return {
    apiKey: env.ROTOR_API_KEY || undefined,
    url: env.ROTOR_API_URL || undefined,
    adminToken: env.ROTOR_ADMIN_TOKEN || undefined,
    signingKey: env.ROTOR_SIGNING_KEY || undefined,
    serveUrl: env.ROTOR_SERVE_URL || undefined,
  };
}
