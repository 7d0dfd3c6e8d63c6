// The samples of docs/verify-signatures.md, run against signatures of ours where their runtime is present.

import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sign } from "./sign.ts";

type Language = {
  heading: string;
  file: string;
  run: (path: string) => [string, ...string[]];
  probe: string[];
};

const languages: Language[] = [
  {
    heading: "Node.js",
    file: "a.mjs",
    run: (path) => [process.execPath, path],
    probe: [process.execPath, "-v"],
  },
  { heading: "Python", file: "a.py", run: (path) => ["python3", path], probe: ["python3", "--version"] },
  { heading: "Go", file: "a.go", run: (path) => ["go", "run", path], probe: ["go", "version"] },
  { heading: "Ruby", file: "a.rb", run: (path) => ["ruby", path], probe: ["ruby", "--version"] },
];

let folder: string;
let guide: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rotor-samples-"));
  guide = await readFile(new URL("../../docs/verify-signatures.md", import.meta.url), "utf8");
});

afterAll(() => rm(folder, { recursive: true }));

/** The first block of code under a heading. */
function sampleOf(heading: string): string {
  const section = guide.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? "";
  return /^```\w+\n([\s\S]*?)^```/m.exec(section)?.[1] ?? "";
}

test.each(languages)("the guide has a sample for $heading", ({ heading }) => {
  expect(sampleOf(heading)).toContain("300");
});

const secret = `whsec_${"k".repeat(43)}`;
const id = "job_%E2%98%95";
const body = Buffer.from('{"text":"naïve ☕","n":1.50}');
const now = Math.floor(Date.now() / 1000);
const right = sign([secret], id, now, body);

type Delivery = { body: Buffer; secret: string; id: string; timestamp: string; signature: string };
const genuine: Delivery = { body, secret, id, timestamp: String(now), signature: right };
const stale = (timestamp: number) => ({
  ...genuine,
  timestamp: String(timestamp),
  signature: sign([secret], id, timestamp, body),
});

const deliveries: Record<string, [Delivery, accepted: boolean]> = {
  genuine: [genuine, true],
  "signed with the new and the old secret": [
    { ...genuine, signature: sign(["whsec_new", secret], id, now, body) },
    true,
  ],
  "of another body": [{ ...genuine, body: Buffer.from("{}") }, false],
  "of another id": [{ ...genuine, id: "job_2" }, false],
  "of another time": [{ ...genuine, timestamp: String(now - 1) }, false],
  "of another secret": [{ ...genuine, secret: "whsec_other" }, false],
  "cut short": [{ ...genuine, signature: right.slice(0, -4) }, false],
  unsigned: [{ ...genuine, signature: "" }, false],
  "without a time": [{ ...genuine, timestamp: "soon" }, false],
  old: [stale(now - 400), false],
  "from the future": [stale(now + 400), false],
};

describe.each(languages)("the sample for $heading", ({ heading, file, run, probe }) => {
  const present = spawnSync(probe[0] as string, probe.slice(1)).status === 0;

  test.runIf(present)(
    "accepts what is genuine and refuses everything else",
    { timeout: 120_000 },
    async () => {
      const path = join(folder, file);
      await writeFile(path, sampleOf(heading));
      const judged = Object.entries(deliveries).map(([name, [delivery]]) => {
        const [command, ...args] = run(path);
        const given = [delivery.secret, delivery.id, delivery.timestamp, delivery.signature];
        const { status, stderr } = spawnSync(command, [...args, ...given], { input: delivery.body });
        expect(stderr.toString().replaceAll(/exit status 1\s*/g, "")).toBe("");
        return [name, status === 0];
      });
      const expected = Object.entries(deliveries).map(([name, [, accepted]]) => [name, accepted]);
      expect(judged).toEqual(expected);
    },
  );
});
