// node .build/examples/document-review/main.js
// A week of one report, on a clock of its own: the week takes no time.
import { isPolarisError, Polaris } from 'polaris-workflow'
import type { DeltaOf } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { simulatedClock } from 'polaris-workflow/testing'
import { fakeOffice } from './services.ts'
import { documentReview, Draft, Figures, Proof, Review } from './workflow.ts'

const clock = simulatedClock()
const start = clock.now()
const { services, log, pages } = fakeOffice(clock.now)
const polaris = new Polaris({ clock, services, store: memoryStore({ now: clock.now, strict: true }) })
polaris.register(documentReview).worker().start()

async function say(who: string, ...delta: DeltaOf<typeof documentReview>[]) {
  log.push({ at: clock.now(), what: `${who} hands in ${delta.map(({ name }) => name).join(', ')}` })
  try {
    const result = await polaris.executor().parallel(documentReview, 'q3', ...delta)
    const lacks = result.waitingFor.length === 0 ? '' : `, for ${result.waitingFor.join(', ')}`
    log.push({ at: clock.now(), what: `  ${result.status}${lacks}` })
    return result
  } catch (error) {
    if (!isPolarisError(error, 'DATA_OUTDATED')) throw error
    log.push({ at: clock.now(), what: '  refused: that proof was replaced' })
    return undefined
  }
}

await say('Anna', Draft({ title: 'Third quarter', body: 'We sold more lamps.\n\nMuch more.' }))
await clock.advance('4h')
const first = await say('Finance', Figures({ revenue: [310, 420, 515] }))
await clock.advance('2d')
await say('Finance', Figures({ revenue: [310, 420, 551] }))
await say('Ruth', Review({ by: 'Ruth', approved: true }, { about: first?.seqOf(Proof) }))
await clock.advance('1d')
await say('Ruth', Review({ by: 'Ruth', approved: true }))
await say('Anna', Draft({ title: 'Third quarter', body: 'We sold  more lamps.\n\n\nMuch more.\n' }))
await clock.advance('7d')

for (const { at, what } of log) {
  const hours = Math.round((at - start) / 3_600_000)
  console.log(`day ${Math.floor(hours / 24)}, ${String(hours % 24).padStart(2, '0')}:00  ${what}`)
}
console.log(`\n${pages.get('q3') ?? 'nothing was published'}`)
await polaris.close()
