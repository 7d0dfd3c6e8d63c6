export { createConsents } from "./consents.ts";
export { createMcpHttp, type Exchange, type McpAccess, type McpHttp, type McpHttpOptions } from "./http.ts";
export type { CallSource } from "./server.ts";
