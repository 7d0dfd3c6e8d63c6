// An engine with workers, and an app as its users write them: real HTTP both ways, and the SDK's own machine.

import { createServer, type IncomingMessage } from "node:http";
import { type Contract, contract, type DriveRequest, isRotorError, type OutputOf } from "@rotorsh/contract";
import { vi } from "vitest";
import { answerDrive } from "../../sdk/workflow/answer-drive.ts";
import { createFunction } from "../../sdk/workflow/define.ts";
import { toRegistration } from "../../sdk/workflow/sync.ts";
import type { FunctionOptions, Handler, WorkflowFunction } from "../../sdk/workflow/types.ts";
import { type Engine, type EngineOptions, startEngine } from "../engine.ts";
import { call, startTestEngine, type TestEngine, testOptions } from "./engine.ts";

export type RunDetail = OutputOf<Contract["runs"]["get"]>;

export type WorkflowTest = TestEngine & {
  /** Registers a function with the server, and serves it. */
  define(options: Partial<FunctionOptions> & { id: string }, handler: Handler<never, unknown>): Promise<void>;
  trigger(id: string, data?: unknown): Promise<string>;
  send(name: string, data?: unknown): Promise<OutputOf<Contract["events"]["send"]>>;
  get(runId: string): Promise<RunDetail>;
  /** The run, as soon as this is true of it. */
  until(runId: string, what: RunDetail["status"] | ((run: RunDetail) => boolean)): Promise<RunDetail>;
  /** Bodies of all requests to the app so far. */
  requests: DriveRequest[];
  /** Called before each answer of the app; what it answers is sent instead. */
  intercept: ((request: DriveRequest) => { status: number; body: string } | undefined) | undefined;
  /** Where the app serves. */
  url: string;
  databaseUrl: string;
  /** Ends the engine's work, as a crash or a stop would. */
  restart(): Promise<void>;
};

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

export async function startWorkflowTest(changed: Partial<EngineOptions> = {}): Promise<WorkflowTest> {
  const functions = new Map<string, WorkflowFunction>();
  let engine: Engine | undefined;
  const checkpoints = await listen(async (request) => takeCheckpoints(engine, await readJson(request)));
  const options = { workers: true, checkpointUrl: `${checkpoints.url}checkpoints`, ...changed };
  const rotor = await startTestEngine({ ...options, workers: false });
  engine = await startEngine({ ...testOptions(rotor.url), ...options });
  const app = await listen(async (request) => {
    const body = (await readJson(request)) as DriveRequest;
    test.requests.push(body);
    return test.intercept?.(body) ?? { status: 200, body: JSON.stringify(await answer(functions, body)) };
  });
  const caller = rotor.home.admin;
  const get = (id: string) => call(rotor.engine, caller, contract.runs.get, { id });

  const test: WorkflowTest = {
    ...rotor,
    requests: [],
    intercept: undefined,
    url: app.url,
    databaseUrl: rotor.url,
    async define(defined, handler) {
      const fn = createFunction(
        { trigger: { event: `${defined.id}.go` }, retries: 1, ...defined },
        handler as never,
      );
      functions.set(defined.id, fn);
      await call(rotor.engine, caller, contract.functions.register, toRegistration(fn, app.url));
    },
    async trigger(id, data = {}) {
      const { run_id } = await call(rotor.engine, caller, contract.functions.trigger, { id, data });
      return run_id as string;
    },
    send: (name, data = {}) => call(rotor.engine, caller, contract.events.send, { name, data }),
    get,
    until: (id, what) =>
      vi.waitFor(
        async () => {
          const run = await get(id);
          if (typeof what === "string" ? run.status === what : what(run)) return run;
          throw new Error(`The run is ${run.status}: ${JSON.stringify(run.error)}`);
        },
        { timeout: 15_000, interval: 10 },
      ),
    async restart() {
      await engine?.close();
      engine = await startEngine({ ...testOptions(rotor.url), ...options });
    },
    async stop() {
      await engine?.close();
      await rotor.stop();
      await Promise.all([app.close(), checkpoints.close()]);
    },
  };
  return test;
}

async function answer(functions: ReadonlyMap<string, WorkflowFunction>, request: DriveRequest) {
  const fn = functions.get(request.run.workflow);
  if (!fn) throw new Error(`No function ${request.run.workflow}`);
  return answerDrive(fn, request, { logger: quiet });
}

type Reply = { status: number; body: string };

async function takeCheckpoints(engine: Engine | undefined, body: unknown): Promise<Reply> {
  try {
    return { status: 200, body: JSON.stringify(await engine?.checkpoints(body)) };
  } catch (error) {
    if (!isRotorError(error)) throw error;
    return { status: error.status, body: JSON.stringify(error.toBody()) };
  }
}

async function listen(handle: (request: IncomingMessage) => Promise<Reply>) {
  const server = createServer((request, response) => {
    handle(request).then(
      ({ status, body }) => response.writeHead(status, { "content-type": "application/json" }).end(body),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}/`,
    close() {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString()) as unknown;
}
