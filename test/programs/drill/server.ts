/** One process of the service that is being deployed. */
import { serve } from 'polaris-workflow/http'
import { open } from './orders.ts'
import type { Place } from './orders.ts'

const { DRILL_PART } = process.env
if (DRILL_PART === undefined) throw new Error('This program is started by the drill: npm run deploy-drill')
const { place, generation, token } = JSON.parse(DRILL_PART) as { place: Place; generation: 1 | 2; token: string }
// Nobody else would end it.
process.once('disconnect', () => process.exit(2))

const polaris = await open(place, generation).start()
polaris.worker({ pollInterval: 200 }).start()
const service = await serve(polaris, { port: 0, token })
process.once('SIGTERM', () => void end())
process.send?.(service.url)

async function end(): Promise<void> {
  await service.close()
  await polaris.close()
  process.exit(0)
}
