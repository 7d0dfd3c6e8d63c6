// Where the key comes from, and where it is kept.

import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { againstServer } from "./testing/against-server.ts";
import type { Session } from "./testing/terminal.ts";

const { server, folder, run, json } = againstServer();

describe("a key", () => {
  const config = () => join(folder(), "config.json");
  const bare = (argv: string[], session: Session = {}) =>
    run(argv, { ...session, env: { ROTOR_API_KEY: undefined, ROTOR_CONFIG_DIR: folder(), ...session.env } });

  test("is missing until one logs in", async () => {
    expect(await bare(["whoami"])).toMatchObject({
      exitCode: 4,
      stderr: expect.stringContaining("rotor login"),
    });
  });

  test("that is wrong is not saved", async () => {
    expect(await bare(["login"], { input: "rt_ws_wrong\n" })).toMatchObject({ exitCode: 4 });
    expect(await bare(["login"], { input: "hello" })).toMatchObject({ exitCode: 2 });
    expect(await bare(["login"], { input: "" })).toMatchObject({ exitCode: 2 });
    expect(await bare(["whoami"])).toMatchObject({ exitCode: 4 });
  });

  test("is checked, saved for its owner only, and used from then on", async () => {
    const { exitCode, stdout, stderr } = await bare(["login"], { input: `${server().adminKey}\n` });
    expect([exitCode, stdout]).toEqual([0, ""]);
    expect(stderr).toContain(`Logged in to ${server().url} with the key admin (admin), workspace default.`);
    expect(stderr).not.toContain(server().adminKey);
    expect(statSync(config()).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(config(), "utf8"))).toEqual({
      apiKey: server().adminKey,
      url: server().url,
    });
    expect((await bare(["whoami"], { env: { ROTOR_API_URL: undefined } })).stdout).toContain("ws_default");
  });

  test("typed at the prompt is not shown", async () => {
    const { exitCode, stderr } = await bare(["login"], {
      isTerminal: true,
      input: `${server().developerKey}\r`,
    });
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining("with the key developer")]);
    expect(stderr).not.toContain(server().developerKey);
  });

  test("comes from the flag before the environment before the file", async () => {
    const label = async (argv: string[], more: Session["env"]) =>
      JSON.parse((await bare(["whoami", "--json", ...argv], { env: { ...more } })).stdout).label;
    expect(await label([], {})).toBe("developer");
    expect(await label([], { ROTOR_API_KEY: server().adminKey })).toBe("admin");
    expect(await label(["--api-key", server().developerKey], { ROTOR_API_KEY: server().adminKey })).toBe(
      "developer",
    );
  });

  test("on the command line earns a warning, where a person can read it", async () => {
    const argv = ["whoami", "--api-key", server().adminKey];
    expect((await bare(argv, { isTerminal: true })).stderr).toContain("prefer ROTOR_API_KEY");
    expect((await bare(argv)).stderr).toBe("");
  });

  test("of a team brings its workspace along; a key from elsewhere does not get that workspace", async () => {
    const { key } = await json("api-keys", "create", "team", "--tier", "team", "--role", "viewer");
    expect(await bare(["login"], { input: key })).toMatchObject({ exitCode: 2 });
    expect(await bare(["login", "--workspace", "ws_default"], { input: key })).toMatchObject({ exitCode: 0 });
    expect(await bare(["whoami"])).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("team") });
    writeFileSync(config(), JSON.stringify({ apiKey: key, url: server().url, workspaceId: "ws_other" }));
    expect(await bare(["whoami"])).toMatchObject({ exitCode: 3 });
    expect(await bare(["whoami"], { env: { ROTOR_API_KEY: server().adminKey } })).toMatchObject({
      exitCode: 0,
    });
  });

  test("is forgotten by logout", async () => {
    expect((await bare(["logout"])).stderr).toContain("is deleted");
    expect((await bare(["logout"])).stderr).toBe("No key was saved.\n");
    expect(await bare(["whoami"])).toMatchObject({ exitCode: 4 });
  });

  test("in a damaged file does not hinder a new login", async () => {
    writeFileSync(config(), "{");
    expect(await bare(["whoami"])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("rotor login"),
    });
    expect(await bare(["login"], { input: server().adminKey })).toMatchObject({ exitCode: 0 });
  });
});
