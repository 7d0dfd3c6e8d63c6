import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ConfigError, readConfig } from "./config.ts";

const example = readFileSync(new URL("../.env.example", import.meta.url), "utf8");

const malformed: Record<string, string[]> = {
  PORT: ["eighty", "70000", "-1", "80.5"],
  DATABASE_URL: ["localhost", "mysql://user:hunter2@host/rotor"],
  REDIS_URL: ["localhost", "http://127.0.0.1:6379"],
  ROTOR_API_KEY: ["secret", `rt_ws_${"a".repeat(20)}_${"b".repeat(43)}cccccc`],
  ADMIN_TOKEN: ["short"],
  ROTOR_SIGNING_KEY: ["short"],
  ROTOR_PUBLIC_URL: ["rotor.example.com", "ftp://rotor.example.com"],
  ROTOR_OAUTH_ISSUER: ["login.example.com", "ftp://login.example.com"],
  ROTOR_OAUTH_JWKS_URL: ["login.example.com"],
  ROTOR_ENCRYPTION_KEY: ["k1", "k1:c2hvcnQ=", ":AAAA"],
  ANTHROPIC_API_KEY: ["two words"],
  ANTHROPIC_BASE_URL: ["api.anthropic.com"],
  ROTOR_ROLE: ["boss"],
  ROTOR_DEV: ["perhaps"],
  ROTOR_EGRESS_ALLOW: ["10.0.0.0/33", "hooks.internal,10.1", "http://hooks.internal"],
  ROTOR_DRAIN_SECONDS: ["soon", "-1", "1.5"],
  LOG_LEVEL: ["loud"],
};

/** Any text is a host, a folder or an audience. */
const anyText = ["HOST", "ROTOR_DATA_DIR", "ROTOR_OAUTH_AUDIENCE"];

const cases = Object.entries(malformed).flatMap(([name, values]) =>
  values.map((value) => [name, value] as const),
);

describe("a malformed value stops the start with one line", () => {
  test.each(cases)("%s=%s", (name, value) => {
    const line = problemWith({ ROTOR_DEV: "1", [name]: value });
    expect(line).toMatch(new RegExp(`^${name}: .+\\. Example: ${name}=\\S.*$`));
    // It may be a password.
    expect(line).not.toContain("hunter2");
  });

  test("every variable that can be malformed is tried", () => {
    expect([...Object.keys(malformed), ...anyText].sort()).toEqual(variablesRead());
  });
});

describe("defaults", () => {
  test("a dev server needs nothing", () => {
    expect(readConfig({ ROTOR_DEV: "1" })).toMatchObject({
      port: 8787,
      host: "127.0.0.1",
      role: "all",
      dataDir: ".rotor",
    });
  });

  test("outside dev mode the encryption key is required", () => {
    expect(problemWith({})).toMatch(/^ROTOR_ENCRYPTION_KEY: is required outside dev mode\. Example: /);
    expect(readConfig({ ROTOR_ENCRYPTION_KEY: `k1:${Buffer.alloc(32).toString("base64")}` }).dev).toBe(false);
  });

  test("an empty value is none", () => {
    expect(readConfig({ ROTOR_DEV: "1", PORT: "", DATABASE_URL: "" })).toEqual(
      readConfig({ ROTOR_DEV: "1" }),
    );
  });
});

test(".env.example lists each variable of the server once, and no other", () => {
  const listed = [...example.matchAll(/^(?:# ?)?([A-Z][A-Z_]*)=/gm)].map((match) => match[1]);
  expect(listed.sort()).toEqual(variablesRead());
});

function problemWith(env: Record<string, string>): string {
  try {
    readConfig(env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error("it was accepted");
}

/** The names that reading the configuration looks at. */
function variablesRead(): string[] {
  const names = new Set<string>();
  const env = new Proxy<Record<string, string>>(
    { ROTOR_DEV: "1" },
    {
      get(values, name) {
        names.add(String(name));
        return values[String(name)];
      },
    },
  );
  readConfig(env);
  return [...names].sort();
}
