export type FoundRedis = { url: string } | { path: string } | { missing: string };
export function findRedis(): Promise<FoundRedis>;
export function findRedisServer(): Promise<{ path: string } | { missing: string }>;
export function startRedis(found: FoundRedis): Promise<{ url: string; stop(): Promise<void> }>;
