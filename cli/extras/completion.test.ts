import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { rotor } from "../testing/terminal.ts";

async function complete(...words: string[]): Promise<string[]> {
  const { stdout } = await rotor(["completion", "bash"]);
  const quoted = words.map((word) => `'${word}'`).join(" ");
  const script = `${stdout}
    COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _rotor; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync("bash", ["-c", script], { encoding: "utf8" }).split("\n").filter(Boolean);
}

test("bash completes nouns, verbs and flags", async () => {
  expect(await complete("rotor", "que")).toEqual(["queues"]);
  expect(await complete("rotor", "queues", "pa")).toEqual(["pause"]);
  expect(await complete("rotor", "queues", "create", "emails", "--conc")).toEqual(["--concurrency"]);
  expect(await complete("rotor", "--json", "status", "--wa")).toEqual(["--watch"]);
  expect(await complete("rotor", "nonsense", "x")).toEqual([]);
});

test.each(["bash", "zsh", "fish"])("there is a script for %s", async (shell) => {
  const { exitCode, stdout } = await rotor(["completion", shell]);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("--retry-attempts");
});

test("another shell is a mistake of usage", async () => {
  expect((await rotor(["completion", "constructor"])).exitCode).toBe(2);
});
