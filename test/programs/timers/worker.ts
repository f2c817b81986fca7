/** One of the processes that let timers go off. */
import { join } from 'node:path'
import { Polaris } from 'polaris-workflow'
import { appendTo } from '../chaos/lines.ts'
import { openStore, readPart, troubleOf } from '../chaos/settings.ts'
import { alarm, jobs } from './flows.ts'

const { settings, part } = readPart()
const { place, folder, lease } = settings
const lines = appendTo(join(folder, `books-${part.name}.jsonl`))
const books = { name: part.name, add: (record: object) => lines.add({ ...record, by: part.name }) }

new Polaris({ store: openStore(place), lease, services: { books } })
  .register(alarm, jobs)
  .worker({ concurrency: 64, onTrouble: (error) => books.add({ trouble: troubleOf(error) }) })
  .start()
books.add({ started: Date.now() })
