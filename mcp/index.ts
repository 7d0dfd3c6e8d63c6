export { createMcpHttp, type McpAccess, type McpHttp, type McpHttpOptions } from "./http.ts";
export type { OriginRules } from "./origin.ts";
