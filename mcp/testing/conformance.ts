// Runs the official conformance suite against a server of ours. The suite knows no keys, so a proxy adds one.

import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, request as forward } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findMcpTools } from "../../scripts/mcp-tools.mjs";

export type Verdict = {
  passed: number;
  /** Those that failed, as `scenario:check`. */
  failed: string[];
};

export type Suite = {
  /** Runs everything of a revision, what it requires and what it leaves open, such as tasks. */
  run(revision: string): Promise<Verdict>;
  close(): Promise<void>;
};

const found = await findMcpTools();
// On a desk without them the tests are skipped, and counted as skipped; CI has to have them.
if ("missing" in found && process.env.CI) throw new Error(found.missing);
export const tools = "missing" in found ? undefined : found;

export async function openSuite(url: string, key: string): Promise<Suite> {
  const target = new URL(url);
  const proxy = createServer((incoming, outgoing) => {
    const headers = { ...incoming.headers, authorization: `Bearer ${key}` };
    const options = {
      host: target.hostname,
      port: target.port,
      path: incoming.url,
      method: incoming.method,
      headers,
    };
    const onward = forward(options, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on("error", () => outgoing.destroy());
    outgoing.on("close", () => onward.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}${target.pathname}`;
  return {
    run: (revision) => runSuite(address, revision),
    close() {
      proxy.closeAllConnections();
      return new Promise<void>((resolve) => proxy.close(() => resolve()));
    },
  };
}

async function runSuite(url: string, revision: string): Promise<Verdict> {
  const { node, conformance } = tools as NonNullable<typeof tools>;
  const folder = await mkdtemp(join(tmpdir(), "rotor-conformance-"));
  const args = [conformance, "server", "--url", url, "--requirements", revision, "-o", folder];
  try {
    // It fails when a check does; which ones is in the folder.
    await new Promise((resolve) => {
      execFile(node, args, { timeout: 240_000, maxBuffer: 64_000_000 }, resolve);
    });
    return await readVerdict(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readVerdict(folder: string): Promise<Verdict> {
  const verdict: Verdict = { passed: 0, failed: [] };
  for (const name of (await readdir(folder)).sort()) {
    const scenario = name.replace(/^server-/, "").replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, "");
    const checks = JSON.parse(await readFile(join(folder, name, "checks.json"), "utf8")) as Check[];
    verdict.passed += checks.filter(({ status }) => status === "SUCCESS").length;
    const failed = checks.filter(({ status }) => status === "FAILURE");
    verdict.failed.push(...failed.map(({ id }) => `${scenario}:${id}`));
  }
  return verdict;
}

type Check = { id: string; status: string };
