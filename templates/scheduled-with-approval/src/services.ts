// Stand-ins. Replace them with your own.

export type Report = { week: string; summary: string };

export async function buildReport(week: string): Promise<Report> {
  return { week, summary: "12 replies, 3 meetings" };
}

export async function deliver(report: Report): Promise<void> {
  console.log(`${report.week}: ${report.summary}`);
}
