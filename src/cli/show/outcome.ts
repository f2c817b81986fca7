/** How an instance stands, in a line or a few. Pure. */
import { STATUS_STYLE } from '../draw/states.ts'
import type { Outcome } from '../api/views.ts'
import { line, span } from '../term/text.ts'
import type { Line } from '../term/text.ts'
import { dataLines } from './values.ts'

interface Stands {
  readonly id: string
  readonly workflow: string
  readonly version: number
  readonly status: string
  readonly waitingFor: readonly string[]
  readonly targetName?: string
}

export function standsLine({ id, workflow, version, status, waitingFor, targetName }: Stands): Line {
  const open = status !== 'completed' && status !== 'cancelled'
  const wants = open && waitingFor.length > 0 ? ` for ${waitingFor.join(', ')}` : ''
  const ends = targetName === undefined ? '' : ` with ${targetName}`
  const said = status === 'waiting' || wants === '' ? `${status}${wants}` : `${status}; lacks ${waitingFor.join(', ')}`
  return line(span(id, 'bold'), span(`  ${workflow} ${version}  `, 'dim'), span(`${said}${ends}`, STATUS_STYLE[status]))
}

/** What a call has done. */
export function outcomeLines(outcome: Outcome, width: number): Line[] {
  return [standsLine(outcome), ...dataLines(outcome.produced, width)]
}
