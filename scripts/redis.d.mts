export type FoundRedis = { url: string } | { path: string } | { missing: string };
export function findRedis(): Promise<FoundRedis>;
export function startRedis(found: FoundRedis): Promise<{ url: string; stop(): Promise<void> }>;
