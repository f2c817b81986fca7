// One contender in a process of its own, which does what its parent tells it.
//
//   node stores-contender.js <ours | ours-named | raw-batched | raw-one> <place>
import { serve } from './stores-load.ts'
import type { Contender } from './stores-load.ts'
import { ours } from './stores-ours.ts'
import { raw } from './stores-raw.ts'
import { openStore } from './stores-servers.ts'
import type { Place } from './stores-servers.ts'

const [name = '', place = ''] = process.argv.slice(2)
serve(await contender(name, JSON.parse(place) as Place))

async function contender(name: string, place: Place): Promise<Contender> {
  if (name.startsWith('raw')) return raw(place, name === 'raw-batched')
  return ours(openStore(place), name === 'ours-named')
}
