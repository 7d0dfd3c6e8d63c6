// The process: reads its configuration, holds its port, starts Postgres where none is given, serves, drains.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type GivenKey, type OAuthOptions, startEngine } from "@rotorsh/engine";
import { startEmbeddedPostgres } from "@rotorsh/engine/embedded";
import { createApp } from "./app.ts";
import { banner } from "./banner.ts";
import { checkpointPath } from "./checkpoints.ts";
import { type Config, ConfigError, readConfig } from "./config.ts";
import { type DevKeys, ensureDevKeyRing, ensureDevKeys } from "./dev-files.ts";
import { addressProblem, type Listener, listen, urlOf } from "./listen.ts";
import { createAccessLog, createLog } from "./log.ts";
import { findHolder } from "./port-holder.ts";
import { startProblem } from "./start-problem.ts";

type Closer = () => Promise<void>;

async function main(): Promise<void> {
  const config = readConfig();
  const log = createLog(config.logLevel);
  const dataDir = resolve(config.dataDir);
  const listener = await holdPort(config, dataDir).catch((error: unknown) => {
    const problem = startProblem(error, config);
    throw problem === undefined ? error : new ConfigError(problem);
  });
  if (!listener) return;

  let serving = false;
  let closeStreams: Closer | undefined;
  let endWaits: (() => void) | undefined;
  const closers: Closer[] = [];
  const stop = drainOnSignal(log, config.drainSeconds, async (withinMs) => {
    serving = false;
    endWaits?.();
    await closeStreams?.();
    await listener.close(withinMs);
    for (const close of closers.reverse()) await close();
  });
  try {
    const keys = config.dev ? await ensureDevKeys(dataDir, givenKeys(config, listener.url)) : undefined;
    const keyRing = config.keyRing ?? (await ensureDevKeyRing(dataDir));
    const version = readVersion();
    const oauth = oauthOf(config, listener.url);
    const engine = await startEngine({
      oauth,
      databaseUrl: config.databaseUrl ?? (await startDatabase(dataDir, log, closers)),
      redisUrl: config.redisUrl,
      keyRing,
      egress: { httpToLoopback: config.dev, allow: config.egressAllow },
      givenKeys: bootKeys(config, keys),
      signingKey: config.signingKey ?? keys?.signingKey,
      checkpointUrl: `${config.publicUrl ?? listener.url}${checkpointPath}`,
      ...(config.anthropicApiKey && {
        anthropic: { apiKey: config.anthropicApiKey, baseUrl: config.anthropicBaseUrl },
      }),
      workers: config.role !== "api",
      version,
      log,
    });
    closers.push(() => engine.close());
    endWaits = engine.endWaits;
    const adminToken = config.adminToken ?? keys?.adminToken;
    const serves = config.role !== "worker";
    const app = createApp({
      ...(oauth && { mcp: { oauth } }),
      engine,
      adminToken,
      version,
      log,
      accessLog: createAccessLog(log),
      serves,
      isServing: () => serving,
    });
    closeStreams = app.close;
    if (keys) process.stdout.write(banner(keys, `${version} is ready`));
    serving = true;
    listener.serve((request, env) => app.fetch(request, env as object));
    log.info({ url: listener.url, role: config.role }, "ready");
  } catch (error) {
    const problem = startProblem(error, config);
    if (problem) console.error(problem);
    else log.fatal({ err: error }, "the start failed");
    await stop(1);
  }
}

/** The listener, or undefined when this very server runs already: then its keys are printed instead. */
async function holdPort(config: Config, dataDir: string): Promise<Listener | undefined> {
  try {
    return await listen(config.port, config.host);
  } catch (error) {
    const problem = addressProblem(error, config.port, config.host);
    if (problem) throw new ConfigError(problem);
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    const url = urlOf(config.host, config.port);
    const holder = await findHolder(url, dataDir);
    if (holder.kind === "this server") {
      process.stdout.write(banner({ ...holder.keys, url }, "is running already"));
      return undefined;
    }
    throw new ConfigError(
      `PORT: ${config.port} is held by ${holder.kind === "another server" ? "another Rotor server" : "another program"}. Example: PORT=8788`,
    );
  }
}

/** Tokens are for the address that people know this server by. */
function oauthOf(config: Config, url: string): OAuthOptions | undefined {
  const { oauthIssuer: issuer, oauthAudience, oauthJwksUrl: jwksUrl, publicUrl } = config;
  if (issuer === undefined) return undefined;
  return { issuer, audience: oauthAudience ?? `${publicUrl ?? url}/mcp`, jwksUrl };
}

function givenKeys({ apiKey, adminToken, signingKey }: Config, url: string) {
  return {
    url,
    ...(apiKey && { apiKey }),
    ...(adminToken && { adminToken }),
    ...(signingKey && { signingKey }),
  };
}

function bootKeys(config: Config, keys: DevKeys | undefined): GivenKey[] {
  const admin = config.apiKey ?? keys?.apiKey;
  return [
    ...(admin ? [{ token: admin, label: "boot key", role: "admin" as const }] : []),
    ...(keys ? [{ token: keys.agentKey, label: "agent key", role: "developer" as const }] : []),
  ];
}

type ServerLog = ReturnType<typeof createLog>;

async function startDatabase(dataDir: string, log: ServerLog, closers: Closer[]): Promise<string> {
  const postgres = await startEmbeddedPostgres({ dataDir, log: (line: string) => log.info({}, line) });
  closers.push(() => postgres.stop());
  return postgres.url;
}

/** First signal: finish what is under way. Second: go at once. */
function drainOnSignal(log: ServerLog, drainSeconds: number, close: (withinMs: number) => Promise<void>) {
  let stopping = false;
  const stop = async (code: number): Promise<void> => {
    if (stopping) process.exit(130);
    stopping = true;
    try {
      await close(drainSeconds * 1000);
    } catch (error) {
      log.error({ err: error }, "the shutdown failed");
      process.exit(1);
    }
    process.exit(code);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      log.info({ signal }, stopping ? "stopping at once" : "draining");
      void stop(0);
    });
  }
  return stop;
}

function readVersion(): string {
  // From api/dist or, unbuilt, from api itself.
  const path = new URL(
    import.meta.url.includes("/dist/") ? "../package.json" : "./package.json",
    import.meta.url,
  );
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
}

main().catch((error: unknown) => {
  const line = error instanceof ConfigError ? error.message : error;
  console.error(line);
  process.exit(1);
});
