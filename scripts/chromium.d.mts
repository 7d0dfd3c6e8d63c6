export function findChromium(): Promise<{ path: string } | { missing: string }>;
