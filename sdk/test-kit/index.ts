// `@rotorsh/sdk/testing`: runs a workflow in memory, without a server and without waiting.

export { type TestedRun, type TestOptions, testWorkflow } from "./test-workflow.ts";
