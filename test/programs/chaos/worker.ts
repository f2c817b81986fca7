/** One of the processes that take up what is due. */
import { join } from 'node:path'
import { Polaris } from 'polaris-workflow'
import { appendTo } from './lines.ts'
import { mortal } from './mortal.ts'
import { parcel } from './parcel.ts'
import { openStore, readPart, troubleOf } from './settings.ts'

const { settings, part } = readPart()
const { place, folder, lease } = settings
const ledger = appendTo(join(folder, `ledger-${part.name}.jsonl`))
const troubles = appendTo(join(folder, `trouble-${part.name}.jsonl`))
const store = mortal(openStore(place), part.fatal)

new Polaris({ store, lease, services: { ledger } })
  .register(parcel)
  .worker({
    pollInterval: Math.min(1_000, lease / 4),
    onTrouble: (error) => troubles.add(troubleOf(error)),
  })
  .start()
