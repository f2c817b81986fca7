import type { CheckReport, ManifestReport, StrandedGroup, VersionReport } from '../index.ts'
import { line, painted, span } from './term/text.ts'
import type { Line } from './term/text.ts'

/** A check's report for people. */
export function showCheck({ ok, open, checked, workflows }: CheckReport, colors: boolean): string {
  const lines: Line[] = []
  for (const { workflow, newest, versions } of workflows) {
    lines.push(line(span(`${workflow} (newest in the code: version ${newest})`, 'bold')))
    if (versions.length === 0) lines.push(line('  no open instances'))
    for (const version of versions) lines.push(...versionLines(version, newest))
  }
  const looked = checked < open ? `${checked} of ${open} open instances were looked at` : `${open} open instances`
  const verdict = ok
    ? span(`${looked}; none would be stranded.`, 'green')
    : span(`${looked}; some would be stranded.`, 'red')
  return painted([...lines, line(''), line(verdict)], colors)
}

function versionLines(report: VersionReport, newest: number): Line[] {
  const { version, open } = report
  const counts = [
    [report.continue, 'go on as they are'],
    [report.move, `move to version ${newest}`],
    [report.stay, 'are to move, cannot, and stay'],
    [report.strand, 'would be stranded'],
  ] as const
  const said = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`)
  return [
    line(`  version ${version}: ${open} open${said.length === 0 ? '' : ` — ${said.join(', ')}`}`),
    ...(report.move + report.strand + report.stay > 0 ? report.differences : []).map((each) =>
      line(span(`    ${each}`, 'dim')),
    ),
    ...countLines('data', report.steps),
    ...countLines('goes', report.dropped),
    ...countLines('would run at once', report.due),
    ...report.blocked.map((group) => line(span(`    ${groupLine(group)}`, 'yellow'))),
    ...report.stranded.map((group) => line(span(`    ${groupLine(group)}`, 'red'))),
  ]
}

function countLines(what: string, counts: Readonly<Record<string, number>>): Line[] {
  const entries = Object.entries(counts)
  if (entries.length === 0) return []
  return [line(`    ${what}: ${entries.map(([name, count]) => `${name} (${count})`).join(', ')}`)]
}

function groupLine({ message, count, ids }: StrandedGroup): string {
  const shown = ids.slice(0, 3).join(', ')
  return `${count}: ${message} [${shown}${count > 3 ? ', …' : ''}]`
}

/** The same for a check against a manifest. */
export function showManifestCheck({ ok, workflows }: ManifestReport, colors: boolean): string {
  const lines: Line[] = []
  for (const { workflow, newest, versions } of workflows) {
    lines.push(line(span(`${workflow} (newest in the code: version ${newest})`, 'bold')))
    for (const { version, verdict, differences, steps, dropped, due, risks } of versions) {
      const words = {
        continue: 'goes on as it is',
        move: `moves to version ${newest}`,
        strand: 'instances may be stranded',
      }
      lines.push(line(`  version ${version}: ${words[verdict]}`))
      if (verdict !== 'continue') lines.push(...differences.map((each) => line(span(`    ${each}`, 'dim'))))
      for (const [what, names] of [
        ['data', steps],
        ['goes', dropped],
        ['would run', due],
      ] as const) {
        if (names.length > 0) lines.push(line(`    ${what}: ${names.join(', ')}`))
      }
      lines.push(...risks.map(({ message }) => line(span(`    ${message}`, 'red'))))
    }
  }
  const verdict = ok ? span('Nothing would be stranded.', 'green') : span('Some instances might be stranded.', 'red')
  return painted([...lines, line(''), line(verdict)], colors)
}
