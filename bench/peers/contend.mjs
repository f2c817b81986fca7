// Measures one contender in this process, and nothing else in it: some change what everything around them costs.
//
//   node contend.mjs <contender>
//
// Prints a JSON object for each chain.
import { hrtime } from 'node:process'
import { byHand, CHAINS } from './steps.mjs'

const BLOCK_NS = 4e6
const ROUNDS = 60
const WARM_UP_NS = 400e6

const { contender } = await import(`./contenders/${process.argv[2]}.mjs`)
for (const chain of CHAINS) {
  const ours = loopOf(contender(chain), chain.length)
  const hand = loopOf(byHand(chain), chain.length)
  const times = [await calibrate(ours), await calibrate(hand)]
  const ratios = []
  const each = []
  for (let round = 0; round < ROUNDS; round++) {
    const took = (await time(ours, times[0])) / times[0]
    each.push(took)
    ratios.push(took / ((await time(hand, times[1])) / times[1]))
  }
  console.log(JSON.stringify({ chain: chain.name, ns: median(each), toHand: median(ratios) }))
}

/** Runs again and again, and looks at what comes out, so that nothing can be left out. */
function loopOf(run, length) {
  let count = 0
  return async (times) => {
    for (let i = 0; i < times; i++) {
      const n = ++count
      const made = run(n)
      const { n: end } = made instanceof Promise ? await made : made
      if (end !== n + length) throw new Error(`${process.argv[2]} made ${end} of ${n}.`)
    }
  }
}

async function calibrate(loop) {
  let times = 1
  let took = 0
  for (let spent = 0; spent < WARM_UP_NS; spent += took) {
    took = await time(loop, times)
    if (took < BLOCK_NS / 2) times *= 2
  }
  return Math.max(1, Math.round((times * BLOCK_NS) / took))
}

async function time(loop, times) {
  const started = hrtime.bigint()
  await loop(times)
  return Number(hrtime.bigint() - started)
}

function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1]
}
