// What an app serves to the server, whatever its framework: adapters hand in a request and send the answer.

import { timingSafeEqual } from "node:crypto";
import { readEnvironment } from "../config.ts";
import { type HeadersLike, headerOf } from "../headers.ts";
import type { Rotor } from "../rotor.ts";
import { type AnswerOptions, answerDrive } from "./answer-drive.ts";
import { parseDuration } from "./duration.ts";
import { Refusal } from "./refusal.ts";
import { largestBodyBytes, readSigned } from "./signed-request.ts";
import { syncWorkflows } from "./sync.ts";
import type { Logger, WorkflowFunction } from "./types.ts";

export type ServeOptions = {
  functions: readonly WorkflowFunction[];
  /** The workspace's signing key; default ROTOR_SIGNING_KEY. */
  signingKey?: string | undefined;
  /** Where the server reaches this app, with the path; default ROTOR_SERVE_URL. The app registers itself when it is known. */
  serveUrl?: string | undefined;
  /** Default `/api/rotor`. */
  path?: string | undefined;
  /** For platforms that end a request early: no new step later than this, such as `"50s"`; the server calls again. */
  budget?: string | undefined;
  /** How long one step may take; at most and by default 5 minutes. */
  stepTimeout?: string | undefined;
  logger?: Logger | undefined;
  /** False: do not register at the start. A Rotor client: register with it. Default: one made from the environment. */
  sync?: boolean | Rotor | undefined;
};

export type AppRequest = {
  method: string;
  url: string;
  headers: HeadersLike;
  /** Exactly what was received. */
  readBody(mostBytes: number): Promise<Uint8Array>;
  /** True when nobody waits for the answer any more. */
  isGone(): boolean;
};

export type AppAnswer = { status: number; body: string };

export type Endpoint = (request: AppRequest) => Promise<AppAnswer>;

export function createEndpoint(options: ServeOptions): Endpoint {
  const functions = byId(options.functions);
  const environment = readEnvironment();
  const signingKey = options.signingKey || environment.signingKey;
  const { sync, logger = console } = options;
  const serveUrl = options.serveUrl ?? environment.serveUrl;
  const rotor = typeof sync === "object" ? sync : undefined;
  const answerOptions: AnswerOptions = {
    logger,
    budgetMs: options.budget === undefined ? undefined : parseDuration(options.budget),
    stepTimeoutMs: options.stepTimeout === undefined ? undefined : parseDuration(options.stepTimeout),
  };
  const register = (url: string) => syncWorkflows({ functions: options.functions, serveUrl: url, rotor });
  if (sync !== false && serveUrl && (rotor || environment.apiKey)) {
    register(serveUrl).catch((error: unknown) =>
      logger.error(`Rotor: this app's workflows could not be registered. ${(error as Error).message}`),
    );
  }

  async function drive(request: AppRequest) {
    const read = await readSigned(await request.readBody(largestBodyBytes), request.headers, signingKey);
    const fn = functions.get(read.run.workflow);
    if (!fn) throw new Refusal(404, `This app serves no workflow "${read.run.workflow}".`);
    return answerDrive(fn, read, { ...answerOptions, isAbandoned: request.isGone });
  }

  /** Registers at the address this request came in on, so only for who has the app's own key. */
  async function syncOnRequest({ url, headers }: AppRequest) {
    const given = headerOf(headers, "authorization")?.replace(/^Bearer /i, "") ?? "";
    const key = environment.apiKey;
    if (!key) throw new Refusal(500, "This app has no API key to register with: set ROTOR_API_KEY.");
    if (!isSame(given, key)) throw new Refusal(401, "Send the app's own ROTOR_API_KEY as a bearer token.");
    return { registered: await register(serveUrl ?? url) };
  }

  return async (request) => {
    try {
      if (request.method === "POST") return json(200, await drive(request));
      if (request.method === "PUT") return json(200, await syncOnRequest(request));
      if (request.method === "GET") return json(200, { serves: functions.size, hasSigningKey: !!signingKey });
      throw new Refusal(
        405,
        "Rotor POSTs here; GET tells whether the app serves, PUT registers its workflows.",
      );
    } catch (error) {
      if (error instanceof Refusal) return json(error.status, { error: { message: error.message } });
      logger.error("Rotor: a request of the server could not be answered.", error);
      return json(500, { error: { message: (error as Error).message } });
    }
  };
}

function byId(functions: readonly WorkflowFunction[]): Map<string, WorkflowFunction> {
  const known = new Map<string, WorkflowFunction>();
  for (const fn of functions) {
    if (known.has(fn.options.id)) throw new TypeError(`Two workflows have the id "${fn.options.id}".`);
    known.set(fn.options.id, fn);
  }
  return known;
}

function json(status: number, body: unknown): AppAnswer {
  return { status, body: JSON.stringify(body) };
}

function isSame(given: string, key: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(key)];
  return a.length === b.length && timingSafeEqual(a, b);
}
