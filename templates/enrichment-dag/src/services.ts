// Stand-ins. Replace them with your own. Throw NonRetriableError where asking again is useless.

export type Facts = { company?: string; employees?: number; technologies?: string[] };

export async function askCompanyData(domain: string): Promise<Facts> {
  return { company: domain.split(".")[0] ?? domain };
}

export async function askHeadcount(domain: string): Promise<Facts> {
  return { employees: domain.length * 10 };
}

export async function askTechnologies(_domain: string): Promise<Facts> {
  return { technologies: ["postgres", "typescript"] };
}

export function score({ employees = 0, technologies = [] }: Facts): number {
  return Math.min(100, Math.round(employees / 10) + technologies.length * 10);
}
