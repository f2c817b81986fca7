// One of the others in a process of its own, doing the same steps on the same server; `npm run bench -- stores --peers` is
// its parent and tells it what to do.
//
//   node durable.mjs <dbos | openworkflow | bullmq> <place>
import { serve } from '../../.build/bench/stores-load.js'

const [name, place] = process.argv.slice(2)
const { durable } = await import(`./contenders/${name}.mjs`)
serve(await durable(JSON.parse(place)))
