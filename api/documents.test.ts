import { readFileSync } from "node:fs";
import { contract, isRead, listOperations, type OperationTree } from "@rotorsh/contract";
import { describe, expect, test } from "vitest";

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");

describe("docs/audit.md", () => {
  const text = read("docs/audit.md");
  const changes = listOperations(contract as OperationTree)
    .filter(({ operation }) => !isRead(operation))
    .map(({ noun, verb, operation: { audit } }) => ({ name: `${noun}.${verb}`, audit }));

  test.each(changes)("$name: names its event, or says why it has none", ({ name, audit }) => {
    expect(text).toContain(`\`${audit ?? name}\``);
  });
});

test("docs/configuration.md explains each variable of .env.example", () => {
  const text = read("docs/configuration.md");
  for (const [, name] of read(".env.example").matchAll(/^(?:# ?)?([A-Z][A-Z_]*)=/gm)) {
    expect(text).toContain(`| \`${name}\` |`);
  }
});

const documents = [
  "README.md",
  "AGENTS.md",
  "CONTRIBUTING.md",
  "plugin/README.md",
  ...[
    "access",
    "architecture",
    "audit",
    "configuration",
    "decisions",
    "errors",
    "jobs",
    "limits",
    "mcp/README",
  ].map((name) => `docs/${name}.md`),
];

test.each(documents)("%s links to files that exist", (path) => {
  const base = new URL(`../${path}`, import.meta.url);
  for (const [, target] of read(path).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
    expect(() => readFileSync(new URL(target as string, base)), `${path} → ${target}`).not.toThrow();
  }
});
