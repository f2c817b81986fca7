// node .build/examples/checkout/main.js
// Four checkouts and what becomes of them in a day, on a clock of their own: the day takes no time.
import { Polaris } from 'polaris-workflow'
import type { Duration } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { simulatedClock } from 'polaris-workflow/testing'
import { fakeOutside } from './services.ts'
import { Basket, Card, checkout } from './workflow.ts'

interface Story {
  readonly title: string
  /** Cards that the customer tries, each after a while. */
  readonly cards: readonly (readonly [wait: Duration, token: string])[]
  readonly closed?: boolean
}

const STORIES: readonly Story[] = [
  { title: 'Ada pays at once', cards: [['2m', 'tok_visa']] },
  {
    title: 'Ada has to be reminded, and her first card is empty',
    cards: [
      ['40m', 'tok_empty'],
      ['1m', 'tok_visa'],
    ],
  },
  { title: 'Ada comes back too late', cards: [['3h', 'tok_visa']] },
  { title: 'Ada pays, but no parcel can be sent', cards: [['2m', 'tok_visa']], closed: true },
]

for (const { title, cards, closed = false } of STORIES) {
  const clock = simulatedClock()
  const start = clock.now()
  const outside = fakeOutside(clock.now)
  outside.closed = closed
  const { services, books } = outside
  const polaris = new Polaris({ clock, services, store: memoryStore({ now: clock.now, strict: true }) })
  polaris.register(checkout).worker().start()
  const executor = polaris.executor()

  await executor.parallel(checkout, 'c', Basket({ customer: 'Ada', items: [{ sku: 'lamp', count: 2 }] }))
  for (const [wait, token] of cards) {
    await clock.advance(wait)
    await executor.parallel(checkout, 'c', Card({ token }))
  }
  await clock.advance('1d')

  console.log(`\n${title}`)
  for (const { at, what } of books) console.log(`${((at - start) / 60_000).toFixed(1).padStart(8)} min  ${what}`)
  const view = await polaris.get('c')
  console.log(
    `${' '.repeat(14)}${view?.status ?? ''}: ${view?.failure?.message ?? Object.keys(view?.data ?? {}).at(-1) ?? ''}`,
  )
  await polaris.close()
}
