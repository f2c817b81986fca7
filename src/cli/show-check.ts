import pc from 'picocolors'
import type { CheckReport, ManifestReport, StrandedGroup, VersionReport } from '../index.ts'

/** A check's report for people. */
export function showCheck({ ok, open, checked, workflows }: CheckReport): string {
  const lines: string[] = []
  for (const { workflow, newest, versions } of workflows) {
    lines.push(pc.bold(`${workflow} (newest in the code: version ${newest})`))
    if (versions.length === 0) lines.push('  no open instances')
    for (const version of versions) lines.push(...versionLines(version, newest))
  }
  const looked = checked < open ? `${checked} of ${open} open instances were looked at` : `${open} open instances`
  lines.push('', ok ? pc.green(`${looked}; none would be stranded.`) : pc.red(`${looked}; some would be stranded.`))
  return `${lines.join('\n')}\n`
}

function versionLines(report: VersionReport, newest: number): string[] {
  const { version, open } = report
  const counts = [
    [report.continue, 'go on as they are'],
    [report.move, `move to version ${newest}`],
    [report.stay, 'are to move, cannot, and stay'],
    [report.strand, 'would be stranded'],
  ] as const
  const said = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`)
  return [
    `  version ${version}: ${open} open${said.length === 0 ? '' : ` — ${said.join(', ')}`}`,
    ...(report.move + report.strand + report.stay > 0 ? report.differences : []).map((line) => `    ${pc.dim(line)}`),
    ...countLines('data', report.steps),
    ...countLines('goes', report.dropped),
    ...countLines('would run at once', report.due),
    ...report.blocked.map((group) => `    ${pc.yellow(groupLine(group))}`),
    ...report.stranded.map((group) => `    ${pc.red(groupLine(group))}`),
  ]
}

function countLines(what: string, counts: Readonly<Record<string, number>>): string[] {
  const entries = Object.entries(counts)
  return entries.length === 0 ? [] : [`    ${what}: ${entries.map(([name, count]) => `${name} (${count})`).join(', ')}`]
}

function groupLine({ message, count, ids }: StrandedGroup): string {
  const shown = ids.slice(0, 3).join(', ')
  return `${count}: ${message} [${shown}${count > 3 ? ', …' : ''}]`
}

/** The same for a check against a manifest. */
export function showManifestCheck({ ok, workflows }: ManifestReport): string {
  const lines: string[] = []
  for (const { workflow, newest, versions } of workflows) {
    lines.push(pc.bold(`${workflow} (newest in the code: version ${newest})`))
    for (const { version, verdict, differences, steps, dropped, due, risks } of versions) {
      const words = {
        continue: 'goes on as it is',
        move: `moves to version ${newest}`,
        strand: 'instances may be stranded',
      }
      lines.push(`  version ${version}: ${words[verdict]}`)
      if (verdict !== 'continue') lines.push(...differences.map((line) => `    ${pc.dim(line)}`))
      for (const [what, names] of [
        ['data', steps],
        ['goes', dropped],
        ['would run', due],
      ] as const) {
        if (names.length > 0) lines.push(`    ${what}: ${names.join(', ')}`)
      }
      lines.push(...risks.map(({ message }) => `    ${pc.red(message)}`))
    }
  }
  lines.push('', ok ? pc.green('Nothing would be stranded.') : pc.red('Some instances might be stranded.'))
  return `${lines.join('\n')}\n`
}
