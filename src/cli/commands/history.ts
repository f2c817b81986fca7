import type { Command } from 'commander'
import { getJson, pathOf } from '../api/api.ts'
import { at, withPlace } from '../api/place.ts'
import type { PlaceOptions } from '../api/place.ts'
import type { Entry } from '../api/views.ts'
import { durationOf } from '../draw/states.ts'
import { asJson } from '../io.ts'
import type { Cli } from '../io.ts'
import { entryText } from '../show/entries.ts'
import { valueText } from '../show/values.ts'
import { columnsOf } from '../term/screen.ts'
import { cut, line, painted, span, table } from '../term/text.ts'
import { dayText } from '../term/time.ts'
import { wholeNumber } from '../words.ts'

interface Options extends PlaceOptions {
  readonly after?: number
  readonly limit: number
}

interface Page {
  readonly entries: readonly Entry[]
  readonly next?: number
}

const LONGEST_PAGE = 1_000

/** What happened to an instance: who made what, when, from what. */
export function historyCommand(parent: Command, cli: Cli): void {
  withPlace(parent.command('history').argument('<id>', 'of the instance'))
    .option('--after <entry>', 'only what came after the entry of this number', wholeNumber)
    .option('--limit <number>', 'at most so many entries', wholeNumber, LONGEST_PAGE)
    .description('show what happened to an instance, oldest first: who made what, when, from what')
    .action(async (id: string, options: Options) => {
      const { after, limit } = options
      const page = await at(cli, options, { need: 'looks', id }, async (api) => {
        const entries: Entry[] = []
        for (let from = after; ;) {
          const size = Math.min(LONGEST_PAGE, limit - entries.length)
          const page: Page = await getJson(api, pathOf(id, '/history'), { after: from, limit: size, values: 'true' })
          entries.push(...page.entries)
          from = page.next
          if (from === undefined) return { entries }
          if (entries.length >= limit) return { entries, next: from }
        }
      })
      cli.io.out(options.json ? asJson(page) : shown(page, cli))
    })
}

function shown({ entries, next }: Page, { io }: Cli): string {
  const columns = [{ title: '', right: true }, { title: 'scope', right: true }, { title: 'when (UTC)' }] as const
  const rows = entries.map((entry) => {
    const { text, style } = entryText(entry)
    const from = entry.inputs.length === 0 ? '' : entry.inputs.map(({ data, seq }) => `${data}#${seq}`).join(', ')
    const took = entry.builder === undefined ? '' : durationOf(entry)
    return [
      ...[String(entry.seq), String(entry.scope), dayText(entry.endedAt), span(text, style), took, from],
      entry.value === undefined ? '' : valueText(entry.value),
    ]
  })
  const titles = ['what', 'took', 'from', 'value'].map((title) => ({ title }))
  const lines = table([...columns, ...titles], rows).map((each) => cut(each, columnsOf(io)))
  const rest = next === undefined ? [] : [line(span(`There is more: --after ${next}`, 'dim'))]
  return painted([...lines, ...rest], io.colors)
}
