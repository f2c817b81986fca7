import type { Command } from 'commander'
import { look } from '../act.ts'
import { withPlace } from '../api/place.ts'
import type { PlaceOptions } from '../api/place.ts'
import type { Lineage } from '../api/views.ts'
import type { Cli } from '../io.ts'
import { entryText } from '../show/entries.ts'
import { cut, line, span, table } from '../term/text.ts'
import type { Line } from '../term/text.ts'
import { dayText } from '../term/time.ts'
import { wholeNumber } from '../words.ts'

const SIDE = { from: 'made of', itself: '▶', into: 'went into' } as const

/** What an entry of a history was made of, and what was made of it. */
export function lineageCommand(parent: Command, cli: Cli): void {
  const number = 'the number of an entry of its history'
  withPlace(parent.command('lineage').argument('<id>', 'of the instance').argument('<entry>', number, wholeNumber))
    .description('show what an entry of a history was made of, and what was made of it')
    .action((id: string, seq: number, options: PlaceOptions) =>
      look<Lineage>(cli, options, { id, part: '/lineage', query: { seq } }, linesOf),
    )
}

function linesOf({ entries, complete }: Lineage, width: number): Line[] {
  const rows = entries.map((entry) => {
    const { text, style } = entryText(entry)
    const from = entry.inputs.map(({ data, seq }) => `${data}#${seq}`).join(', ')
    const side = span(SIDE[entry.side], entry.side === 'itself' ? 'bold' : 'dim')
    return [side, String(entry.seq), dayText(entry.endedAt), span(text, style), from]
  })
  const columns = [{ title: '' }, { title: '', right: true }, { title: 'when (UTC)' }, { title: 'what' }] as const
  const lines = table([...columns, { title: 'from' }], rows).map((each) => cut(each, width))
  const rest = complete ? [] : [line(span('The history is longer than what was read of it.', 'dim'))]
  return [...lines, ...rest]
}
