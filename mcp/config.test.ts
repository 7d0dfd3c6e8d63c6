import { expect, test } from "vitest";
import { readConfig } from "./config.ts";

const key = "rt_ws_abc";

test("a key alone is enough, and the server is the local one", () => {
  expect(readConfig({ ROTOR_API_KEY: key }, [])).toEqual({
    server: "stdio",
    url: "http://127.0.0.1:8787",
    apiKey: key,
  });
});

test("--admin takes the operator's token instead", () => {
  const env = { ROTOR_ADMIN_TOKEN: "secret", ROTOR_API_URL: "https://rotor.example.com" };
  expect(readConfig(env, ["--admin"])).toEqual({
    server: "admin",
    url: "https://rotor.example.com",
    apiKey: "secret",
  });
});

test.each([
  [{}, [], "ROTOR_API_KEY is not set"],
  [{ ROTOR_API_KEY: "" }, [], "ROTOR_API_KEY is not set"],
  [{ ROTOR_API_KEY: "sk-123" }, [], "ROTOR_API_KEY is not an API key"],
  [{ ROTOR_API_KEY: "rt_team_abc" }, [], "ROTOR_WORKSPACE is not set"],
  [{ ROTOR_API_KEY: key, ROTOR_WORKSPACE: "default" }, [], "ROTOR_WORKSPACE is not the id of a workspace"],
  [{ ROTOR_API_KEY: "rt_q_abc" }, [], "ROTOR_API_KEY is the key of one queue"],
  [{ ROTOR_API_KEY: key, ROTOR_API_URL: "rotor.sh" }, [], "ROTOR_API_URL must be an http or https URL"],
  [{ ROTOR_API_KEY: key }, ["--admin"], "ROTOR_ADMIN_TOKEN is not set"],
  [{ ROTOR_API_KEY: key }, ["--port", "1"], "the only argument is --admin"],
])("%o %o stops the start: %s", (env, args, message) => {
  const read = () => readConfig(env, args);
  expect(read).toThrow(message);
  expect(read).toThrow(/^[^\n]+e\.g\. [^\n]+$/);
});

test("what is wrong with a key is said without the key", () => {
  expect(() => readConfig({ ROTOR_API_KEY: "not-a-key-but-secret" }, [])).not.toThrow("secret");
});
