import type { Command } from 'commander'
import { getJson, pathOf } from '../api/api.ts'
import { at, withPlace } from '../api/place.ts'
import type { PlaceOptions } from '../api/place.ts'
import type { Lineage } from '../api/views.ts'
import { asJson } from '../io.ts'
import type { Cli } from '../io.ts'
import { entryText } from '../show/entries.ts'
import { columnsOf } from '../term/screen.ts'
import { cut, line, painted, span, table } from '../term/text.ts'
import { dayText } from '../term/time.ts'
import { wholeNumber } from '../words.ts'

const SIDE = { from: 'made of', itself: '▶', into: 'went into' } as const

/** What an entry of a history was made of, and what was made of it. */
export function lineageCommand(parent: Command, cli: Cli): void {
  const number = 'the number of an entry of its history'
  withPlace(parent.command('lineage').argument('<id>', 'of the instance').argument('<entry>', number, wholeNumber))
    .description('show what an entry of a history was made of, and what was made of it')
    .action(async (id: string, seq: number, options: PlaceOptions) => {
      const found = await at(cli, options, { need: 'looks', id }, (api) =>
        getJson<Lineage>(api, pathOf(id, '/lineage'), { seq }),
      )
      cli.io.out(options.json ? asJson(found) : shown(found, cli))
    })
}

function shown({ entries, complete }: Lineage, { io }: Cli): string {
  const rows = entries.map((entry) => {
    const { text, style } = entryText(entry)
    const from = entry.inputs.map(({ data, seq }) => `${data}#${seq}`).join(', ')
    const side = span(SIDE[entry.side], entry.side === 'itself' ? 'bold' : 'dim')
    return [side, String(entry.seq), dayText(entry.endedAt), span(text, style), from]
  })
  const columns = [{ title: '' }, { title: '', right: true }, { title: 'when (UTC)' }, { title: 'what' }] as const
  const lines = table([...columns, { title: 'from' }], rows).map((each) => cut(each, columnsOf(io)))
  const rest = complete ? [] : [line(span('The history is longer than what was read of it.', 'dim'))]
  return painted([...lines, ...rest], io.colors)
}
