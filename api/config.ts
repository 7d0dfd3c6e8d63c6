// The environment of the server, read once. A missing or malformed value stops the start with one line that
// names the variable, what is wrong, and an example.

import { type KeyRing, readEgressAllow, readKey, readKeyRing } from "@rotorsh/engine";
import { z } from "zod";

export class ConfigError extends Error {}

type Variable<T> = { read: (text: string) => T; example: string };

const port: Variable<number> = {
  read: (text) => {
    const number = Number(text);
    if (!Number.isInteger(number) || number < 0 || number > 65_535) throw new Error("must be a port number");
    return number;
  },
  example: "8787",
};

const seconds: Variable<number> = {
  read: (text) => {
    if (!/^\d{1,5}$/.test(text)) throw new Error("must be a whole number of seconds");
    return Number(text);
  },
  example: "30",
};

const oneOf = <T extends string>(...values: [T, ...T[]]): Variable<T> => ({
  read: (text) => {
    if (!values.includes(text as T)) throw new Error(`must be one of ${values.join(", ")}`);
    return text as T;
  },
  example: values[0],
});

const url = (schemes: string[], example: string): Variable<string> => ({
  read: (text) => {
    if (!URL.canParse(text)) throw new Error("must be a URL");
    if (!schemes.includes(new URL(text).protocol.slice(0, -1)))
      throw new Error(`must begin with ${schemes[0]}://`);
    return text;
  },
  example,
});

const apiKey: Variable<string> = {
  read: (text) => {
    if (readKey(text)?.tier !== "workspace") throw new Error("must be a workspace key with a valid checksum");
    return text;
  },
  example: "rt_ws_… as printed by `npm start` or `rotor api-keys create`",
};

const keyRing: Variable<KeyRing> = { read: readKeyRing, example: "k1:$(openssl rand -base64 32)" };

const secretText: Variable<string> = {
  read: (text) => {
    if (text.length < 16) throw new Error("must have at least 16 characters");
    return text;
  },
  example: "$(openssl rand -hex 32)",
};

const headerText: Variable<string> = {
  read: (text) => {
    if (!/^[\x21-\x7e]+$/.test(text)) throw new Error("must be printable ASCII without spaces");
    return text;
  },
  example: "sk-ant-…",
};

const flag: Variable<boolean> = {
  read: (text) => z.stringbool().parse(text, { error: () => "must be 1 or 0" }),
  example: "1",
};

const egressAllow: Variable<string[]> = {
  read: (text) => {
    const entries = text
      .split(",")
      .map((entry) => entry.trim())
      .filter(Boolean);
    readEgressAllow(entries);
    return entries;
  },
  example: "10.1.0.0/16,hooks.internal",
};

const plainText: Variable<string> = { read: (text) => text, example: "0.0.0.0" };

export type Config = ReturnType<typeof readConfig>;

export function readConfig(env: Record<string, string | undefined> = process.env) {
  const read = <T>(name: string, { read, example }: Variable<T>): T | undefined => {
    const text = env[name];
    if (text === undefined || text === "") return undefined;
    try {
      return read(text);
    } catch (error) {
      throw new ConfigError(`${name}: ${problemOf(error)}. Example: ${name}=${example}`);
    }
  };
  const dev = read("ROTOR_DEV", flag) ?? false;
  const config = {
    dev,
    port: read("PORT", port) ?? 8787,
    host: read("HOST", plainText) ?? "127.0.0.1",
    databaseUrl: read(
      "DATABASE_URL",
      url(["postgres", "postgresql"], "postgres://user:password@host:5432/rotor"),
    ),
    redisUrl: read("REDIS_URL", url(["redis", "rediss"], "redis://127.0.0.1:6379")),
    dataDir: read("ROTOR_DATA_DIR", plainText) ?? ".rotor",
    apiKey: read("ROTOR_API_KEY", apiKey),
    adminToken: read("ADMIN_TOKEN", secretText),
    signingKey: read("ROTOR_SIGNING_KEY", secretText),
    publicUrl: read("ROTOR_PUBLIC_URL", url(["http", "https"], "https://rotor.example.com"))?.replace(
      /\/+$/,
      "",
    ),
    oauthIssuer: read("ROTOR_OAUTH_ISSUER", url(["https", "http"], "https://login.example.com/")),
    oauthAudience: read("ROTOR_OAUTH_AUDIENCE", plainText),
    oauthJwksUrl: read("ROTOR_OAUTH_JWKS_URL", url(["https", "http"], "https://login.example.com/jwks.json")),
    keyRing: read("ROTOR_ENCRYPTION_KEY", keyRing),
    anthropicApiKey: read("ANTHROPIC_API_KEY", headerText),
    anthropicBaseUrl: read("ANTHROPIC_BASE_URL", url(["https", "http"], "https://api.anthropic.com")),
    role: read("ROTOR_ROLE", oneOf("all", "api", "worker")) ?? "all",
    egressAllow: read("ROTOR_EGRESS_ALLOW", egressAllow) ?? [],
    drainSeconds: read("ROTOR_DRAIN_SECONDS", seconds) ?? 30,
    logLevel:
      read("LOG_LEVEL", oneOf("info", "trace", "debug", "warn", "error", "fatal", "silent")) ?? "info",
  };
  if (!dev && !config.keyRing) {
    throw new ConfigError(
      `ROTOR_ENCRYPTION_KEY: is required outside dev mode. Example: ROTOR_ENCRYPTION_KEY=${keyRing.example}`,
    );
  }
  return config;
}

function problemOf(error: unknown): string {
  if (error instanceof z.ZodError) return error.issues[0]?.message ?? "is not valid";
  return error instanceof Error ? error.message : String(error);
}
