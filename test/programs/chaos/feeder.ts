/** Feeds instances, and goes on only when it has written down what it was told. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Polaris } from 'polaris-workflow'
import { courseOf, stepsOf } from './feeding.ts'
import type { Feeder, Step, Told } from './feeding.ts'
import { appendTo, readLines } from './lines.ts'
import { mortal } from './mortal.ts'
import { parcel } from './parcel.ts'
import type { Made } from './parcel.ts'
import { openStore, readPart, troubleOf } from './settings.ts'

/** Instances that a feeder feeds at once. */
const AT_ONCE = 24
/** What passes: the same request is sent again. */
const PASSING: readonly string[] = ['STORE_UNAVAILABLE', 'LEASE_LOST']

const { settings, part } = readPart()
const { place, folder, lease, workflows } = settings
const feeder = part.name as Feeder
const ledger = appendTo(join(folder, `ledger-${feeder}.jsonl`))
const troubles = appendTo(join(folder, `trouble-${feeder}.jsonl`))
const told = new Set((readLines(folder, `told-${feeder}.`) as Told[]).map(({ request }) => request))
const book = appendTo(join(folder, `told-${feeder}.jsonl`))
const polaris = new Polaris({ store: mortal(openStore(place), part.fatal), lease, services: { ledger } })
const executor = polaris.register(parcel).executor()

const course = courseOf(feeder, workflows)[Symbol.iterator]()
await Promise.all(Array.from({ length: AT_ONCE }, feedAll))
await polaris.close()
process.removeAllListeners('disconnect').disconnect()

async function feedAll(): Promise<void> {
  for (const number of course) {
    for (const step of stepsOf(feeder, number, settings)) {
      if (told.has(step.request)) continue
      await book.keep(await feed(step))
      told.add(step.request)
      process.send?.(told.size)
    }
  }
}

async function feed(step: Step): Promise<Told> {
  for (;;) {
    try {
      return await call(step)
    } catch (error) {
      const trouble = troubleOf(error)
      troubles.add(trouble)
      if (!PASSING.includes(trouble.code)) throw error
      await sleep(20)
    }
  }
}

async function call({ id, request, how, datum }: Step): Promise<Told> {
  const named = executor.with({ requestId: request })
  if (how === 'submit') {
    const { scope } = await named.submit('parcel', id, datum)
    return { feeder, id, request, scope }
  }
  const { scope, status, produced } = await named[how]('parcel', id, datum)
  return { feeder, id, request, scope, status, produced: produced.map(({ value }) => (value as Made).run) }
}
