/** What would come of something that is not done, for people. Pure. */
import type { Ahead, DataDifference, Difference } from '../api/views.ts'
import { line, padded, span, widthOf, wrapped } from '../term/text.ts'
import type { Line, Style } from '../term/text.ts'
import { dataLines, valueText } from './values.ts'

const DOES = {
  upgrade: 'to move',
  resume: 'to resume',
  restart: 'to begin again',
  rerun: 'to run it again',
} as const

/** @param difference of the versions, where both are known */
export function aheadLines(ahead: Ahead, difference: Difference | undefined, width: number): Line[] {
  const { id, workflow, operation, possible, because = [], from, to } = ahead
  const versions = from === undefined || to === undefined ? '' : `  ${workflow} ${from} → ${to}`
  const title = line(span(id, 'bold'), span(versions === '' ? `  ${workflow}` : versions, 'dim'))
  if (!possible) {
    const reasons = because.flatMap(({ message }) => listed(message, width, 'red'))
    return [title, line(span(`  It is not possible ${DOES[operation]}:`, 'red')), ...reasons]
  }
  if (from !== undefined && from === to) return [title, line('  It is of this version already: nothing would change.')]
  return [
    title,
    ...(difference?.sentences ?? []).flatMap((sentence) => listed(sentence, width, 'dim')),
    ...said('data', ahead.steps),
    ...said('goes', ahead.dropped),
    ...runLines(ahead),
    ...(ahead.data === undefined ? [] : [line('  data after the move:'), ...dataLines(ahead.data, width)]),
    line(span('  Nothing was done.', 'dim')),
  ]
}

function runLines({ due = [], wouldRun = [], status, waitingFor = [] }: Ahead): Line[] {
  const later = wouldRun.filter((name) => !due.includes(name))
  if (due.length > 0) return [...said('would run at once', due), ...said('then, as far as data are there', later)]
  const rest =
    status === undefined ? '' : `; it would be ${status}${waitingFor.length > 0 ? ` for ${waitingFor.join(', ')}` : ''}`
  return [line(`  no builder would run${rest}`)]
}

function said(what: string, names: readonly string[] = []): Line[] {
  return names.length === 0 ? [] : [line(`  ${what}: `, span(names.join(', '), 'bold'))]
}

function listed(text: string, width: number, style: Style): Line[] {
  return wrapped(text, Math.max(20, width - 4), '').map((each, index) =>
    line(span(`  ${index === 0 ? '-' : ' '} ${each}`, style)),
  )
}

/** What is different between two versions, a sentence a line. */
export function differenceLines({ workflow, from, to, same, sentences }: Difference, width: number): Line[] {
  const title = line(span(workflow, 'bold'), span(`  ${from} → ${to}`, 'dim'))
  if (from === to) return [title, line('  This is one version: name two that the code has, by --from and --to.')]
  if (same) return [title, line('  The graphs are the same.')]
  return [title, ...sentences.flatMap((sentence) => wrappedSentence(sentence, width))]
}

function wrappedSentence(sentence: string, width: number): Line[] {
  return wrapped(sentence, Math.max(20, width - 4), '').map((each, index) =>
    line(`  ${index === 0 ? '-' : ' '} ${each}`),
  )
}

/** What became of an instance's data between two entries of its history. */
export function dataDifferenceLines({ id, from, to, data, same }: DataDifference): Line[] {
  const names = Math.max(0, ...data.map(({ name }) => widthOf(name)))
  const title = line(span(id, 'bold'), span(`  ${from === 0 ? 'the beginning' : `entry ${from}`} → entry ${to}`, 'dim'))
  const changes = data.flatMap(({ name, change, before, after }) => {
    const label = padded(name, names)
    const was = line(span(`  - ${label}  ${valueText(before)}`, 'red'))
    const is = line(span(`  + ${label}  ${valueText(after)}`, 'green'))
    return change === 'added' ? [is] : change === 'removed' ? [was] : [was, is]
  })
  const rest = same.length === 0 ? [] : [line(span(`  the same: ${same.join(', ')}`, 'dim'))]
  return [title, ...(data.length === 0 ? [line('  Nothing is different.')] : changes), ...rest]
}
