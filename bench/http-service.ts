// One service of the bench of HTTP in a process of its own.
//
//   node http-service.js <ours | ours-scope | by-hand> <place>
//
// ours-scope commits once for each request, as the one by hand does: a crash in its middle loses the request.
import { builder, data, Polaris, workflow } from 'polaris-workflow'
import { serve } from 'polaris-workflow/http'
import { serveByHand } from './http-by-hand.ts'
import { fareOf, paidOf, RideEnded, RideRequest, TOKEN } from './http-ride.ts'
import { openStore } from './stores-servers.ts'
import type { Place } from './stores-servers.ts'
import * as z from 'zod'

const [name = '', text = ''] = process.argv.slice(2)
const place = JSON.parse(text) as Place
const service = name === 'by-hand' ? await serveByHand(place) : await ours(place, name === 'ours' ? 'builder' : 'scope')
process.once('disconnect', () => {
  setTimeout(() => process.exit(1), 10_000).unref()
  void service.close().finally(() => process.exit(0))
})
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ cpu: (user + system) / 1e3 })
})
process.send?.({ url: service.url })

async function ours(
  place: Place,
  durability: 'builder' | 'scope',
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const [Request, Ended] = [data('RideRequest', RideRequest), data('RideEnded', RideEnded)]
  const Quote = data('Quote', z.object({ fare: z.number() }))
  const Receipt = data('Receipt', z.object({ paid: z.number() }))
  const quoteFare = builder({
    name: 'quoteFare',
    consumes: { ride: Request },
    produces: Quote,
    process: ({ ride }) => fareOf(ride),
  })
  const charge = builder({
    name: 'charge',
    consumes: { quote: Quote, ended: Ended },
    produces: Receipt,
    process: ({ quote, ended }) => paidOf(quote.fare, ended.minutes),
  })
  const cabRide = workflow({ name: 'cabRide', builders: [quoteFare, charge], target: Receipt, durability })
  const polaris = new Polaris({ store: openStore(place) }).register(cabRide)
  polaris.worker().start()
  const served = await serve(polaris, { port: 0, token: TOKEN, rate: { perSecond: 1e9 } })
  return {
    url: served.url,
    async close() {
      await served.close()
      await polaris.close()
    },
  }
}
