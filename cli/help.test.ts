import { afterEach, expect, test, vi } from "vitest";
import { catalogue } from "./catalogue.ts";
import { rotor } from "./testing/terminal.ts";
import { width } from "./text.ts";

const commands = catalogue.commands.map(({ words }) => words.join(" "));

afterEach(() => vi.unstubAllGlobals());

test.each(commands)("help for %s fits a screen and has two examples", async (command) => {
  const { exitCode, stdout } = await rotor([...command.split(" "), "--help"], {
    isTerminal: true,
    columns: 80,
  });
  const lines = stdout.trimEnd().split("\n");
  expect(exitCode).toBe(0);
  expect(lines.length).toBeLessThanOrEqual(30);
  expect(Math.max(...lines.map(width))).toBeLessThanOrEqual(90);
  expect(
    lines.slice(lines.indexOf("Examples:") + 1, lines.indexOf("", lines.indexOf("Examples:"))),
  ).toHaveLength(2);
  expect((await rotor(["help", ...command.split(" ")], { isTerminal: true, columns: 80 })).stdout).toBe(
    stdout,
  );
});

test("an example is a command line that is understood", async () => {
  vi.stubGlobal("fetch", async () => Response.json({}));
  for (const command of commands.filter((name) => /^(queues|api-keys|members|audit)/.test(name))) {
    const { stdout } = await rotor([...command.split(" "), "--help"]);
    const [, example = ""] = /Examples:\n {2}rotor (.*)\n/.exec(stdout) ?? [];
    const argv = [...example.split(" "), "--force", "--api-key", "rt_ws_x"];
    expect([example, await rotor(argv)]).toMatchObject([example, { exitCode: 0, stderr: "" }]);
  }
});

test("help without a topic lists every command, and with a noun its verbs", async () => {
  const all = (await rotor([])).stdout;
  for (const noun of ["queues", "api-keys", "login", "completion"]) expect(all).toContain(`\n  ${noun} `);
  expect(all).toBe((await rotor(["--help"])).stdout);
  expect(all).toBe((await rotor(["help"])).stdout);
  expect((await rotor(["queues"])).stdout).toContain("\n  set-state ");
  expect((await rotor(["help", "queue"])).stdout).toBe((await rotor(["queues", "--help"])).stdout);
});

test("piped help is not shortened", async () => {
  const { stdout } = await rotor(["queues", "create", "--help"]);
  expect(stdout).not.toContain("…");
});

test("an unknown topic is a mistake of usage", async () => {
  expect(await rotor(["help", "quees"])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("Did you mean `rotor queues`?"),
  });
});
