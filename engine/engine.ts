// Puts the parts together. One engine per process; any number of processes per database.

import { type Call, type CheckpointAnswer, contract, RotorError } from "@rotorsh/contract";
import type { Caller } from "./caller.ts";
import { takeCheckpoints } from "./checkpoints.ts";
import { ensureDefaultWorkspace, type GivenKey } from "./default-workspace.ts";
import { type Authenticate, createAuthenticate } from "./identity.ts";
import { type AuthenticateToken, createAuthenticateToken, type OAuthOptions } from "./oauth.ts";
import { handlers } from "./operations/index.ts";
import { createPerform, listHandlers, type Perform } from "./perform.ts";
import { openServices, type ServiceOptions } from "./services.ts";
import { isUnavailable } from "./store/database.ts";
import { createOpenStream, type OpenStream } from "./streams.ts";
import { deriveKey } from "./vault/vault.ts";
import { createWatch, type Watch } from "./watch.ts";
import { startWorkers } from "./workers/index.ts";

export type EngineOptions = ServiceOptions & {
  /** Keys that are valid from the start, for the workspace `default`. */
  givenKeys?: readonly GivenKey[];
  /** The workflow signing key of the workspace `default`. */
  signingKey?: string | undefined;
  /** A hook of a workflow that takes longer is noted in the audit log; 30 seconds unless told. */
  slowHookMs?: number | undefined;
  /** Whose access tokens are accepted besides keys. */
  oauth?: OAuthOptions | undefined;
};

export type Engine = {
  authenticate: Authenticate;
  /** By an access token; undefined where no identity provider is configured. */
  authenticateToken: AuthenticateToken | undefined;
  perform: Perform;
  openStream: OpenStream;
  /** The caller's own way to perform operations, for surfaces in this process. */
  callAs(caller: Caller): Call;
  /** Keeps the finished steps of runs that are being driven; LEASE_LOST for those that are not, or elsewhere. */
  checkpoints(body: unknown): Promise<{ answers: CheckpointAnswer[] }>;
  /** A key of this server's own for one purpose, the same in every process that shares its key ring. */
  deriveKey(purpose: string): Buffer;
  /** Tells of changes; see watch.ts. */
  watch: Watch["start"];
  /** Can this process serve? Resolves within a second or so. */
  isReady(): Promise<boolean>;
  /** Numbers of this process that an operator may want to be woken by. */
  counters(): { requestsCountedAlone: number };
  /** Answers those who wait for something to happen at once: a server that drains must not wait with them. */
  endWaits(): void;
  close(): Promise<void>;
};

export async function startEngine(options: EngineOptions): Promise<Engine> {
  const services = await openServices(options);
  const { databases, broker } = services;
  await ensureDefaultWorkspace(services, options.givenKeys ?? [], options.signingKey);
  const perform = createPerform(services, listHandlers(contract, handlers));
  const watch = createWatch(databases, services.log);
  const workers = options.workers === false ? undefined : startWorkers(services, options);

  return {
    authenticate: withUnavailable(createAuthenticate(services)),
    authenticateToken: options.oauth && withUnavailable(createAuthenticateToken(services, options.oauth)),
    perform,
    openStream: withUnavailable(createOpenStream(services, watch)),
    callAs: (caller) => async (operation, input, callOptions) =>
      (await perform(caller, operation, input, callOptions)).body,
    checkpoints: (body) => takeCheckpoints(services, body),
    deriveKey: (purpose) => deriveKey(options.keyRing, purpose),
    watch: watch.start,
    isReady: () => databases.answers(),
    counters: () => ({ requestsCountedAlone: services.rateLimiter.countedAlone() }),
    endWaits() {
      services.pull.claims.close();
      services.workflows.feed.close();
      services.workflows.ends.close();
    },
    async close() {
      watch.stop();
      services.pull.claims.close();
      services.workflows.feed.close();
      services.workflows.ends.close();
      await workers?.stop();
      await services.outbound.close();
      await services.guardrails.close();
      await broker.close();
      await databases.close();
    },
  };
}

function withUnavailable<Args extends unknown[], Result>(work: (...args: Args) => Promise<Result>) {
  return async (...args: Args): Promise<Result> => {
    try {
      return await work(...args);
    } catch (error) {
      if (isUnavailable(error)) throw new RotorError("UNAVAILABLE", {}, { cause: error });
      throw error;
    }
  };
}
