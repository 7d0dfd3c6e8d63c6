type Tools = { node: string; conformance: string; inspector: string; remote: string };
export function findMcpTools(): Promise<Tools | { missing: string }>;
