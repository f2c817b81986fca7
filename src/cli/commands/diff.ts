import type { Command } from 'commander'
import { look } from '../act.ts'
import { withPlace } from '../api/place.ts'
import type { PlaceOptions } from '../api/place.ts'
import type { DataDifference } from '../api/views.ts'
import type { Cli } from '../io.ts'
import { dataDifferenceLines } from '../show/ahead.ts'
import { cut } from '../term/text.ts'
import { wholeNumber } from '../words.ts'

interface Options extends PlaceOptions {
  readonly from?: number
  readonly to?: number
}

/** What became of an instance's data between two entries of its history. */
export function diffCommand(parent: Command, cli: Cli): void {
  withPlace(parent.command('diff').argument('<id>', 'of the instance'))
    .option('--from <entry>', 'the number of an entry of its history; else before the first', wholeNumber)
    .option('--to <entry>', 'of another; else the newest', wholeNumber)
    .description('show what became of the data of an instance between two entries of its history')
    .action((id: string, options: Options) => {
      const { from, to } = options
      return look<DataDifference>(cli, options, { id, part: '/differences', query: { from, to } }, (found, width) =>
        dataDifferenceLines(found).map((each) => cut(each, width)),
      )
    })
}
