import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { rotor } from "./testing/terminal.ts";

test("the version printed is the package's", async () => {
  const { version } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"));
  for (const argv of [["--version"], ["-v"], ["queues", "--version"], ["queues", "list", "--version"]]) {
    expect(await rotor(argv)).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: "" });
  }
});
