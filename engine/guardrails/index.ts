// The guardrails of one process.

import type { AnthropicOptions } from "../outbound/anthropic.ts";
import { createAskModel } from "../outbound/anthropic.ts";
import type { Databases } from "../store/database.ts";
import { createJudge, type Judge } from "./judge.ts";
import { createPipeline, type LookAt } from "./pipeline.ts";
import { createRecheck, type Recheck } from "./recheck.ts";
import { createRules, type ReadRules } from "./rules.ts";
import { createScreen, type Screen } from "./screen.ts";

export type Guardrails = {
  readRules: ReadRules;
  lookAt: LookAt;
  /** For jobs on their way in. */
  screen: Screen;
  /** For jobs that are about to be sent. */
  recheck: Recheck;
  judge: Judge;
  /** False when this server has no way to ask a model. */
  hasJudge: boolean;
  close(): Promise<void>;
};

export function createGuardrails(databases: Databases, anthropic: AnthropicOptions | undefined): Guardrails {
  const readRules = createRules(databases);
  const lookAt = createPipeline(databases);
  const model = anthropic && createAskModel(anthropic);
  return {
    readRules,
    lookAt,
    screen: createScreen(readRules, lookAt),
    recheck: createRecheck(databases),
    judge: createJudge(databases, model?.ask),
    hasJudge: model !== undefined,
    close: async () => model?.close(),
  };
}
