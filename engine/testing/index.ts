export { type BrowserPage, startBrowser, type TestBrowser } from "./browser.ts";
export { buildKey, buildMember, type Grant, provenance } from "./builders.ts";
export { createTestDatabase, type TestDatabase } from "./database.ts";
export {
  call,
  codeOf,
  startTestEngine,
  type TestEngine,
  type TestWorkspace,
  testOptions,
} from "./engine.ts";
export { startProxy, type TestProxy } from "./proxy.ts";
export { type OperationName, type Sampled, sampledOperations, type Things } from "./samples.ts";
export { buildThings } from "./things.ts";
export { startTlsFront, type TlsFront } from "./tls-front.ts";
