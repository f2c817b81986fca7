import { DBOS } from '@dbos-inc/dbos-sdk'
import { stepsOf } from '../steps.mjs'

/** Called directly, which spares the way over its queue. */
export async function durable({ at, name }) {
  const url = new URL(at)
  url.pathname = `/${name}_peer`
  const flows = new Map([3, 10].map((length) => [length, flowOf(length)]))
  DBOS.setConfig({ name: 'peers', systemDatabaseUrl: url.href, systemDatabasePoolSize: 20, logLevel: 'error' })
  await DBOS.launch()
  let n = 0
  return {
    load({ length }) {
      const flow = flows.get(length)
      return {
        async run() {
          const first = ++n
          const made = await flow({ n: first, s: 'start' })
          if (made.n !== first + length) throw new Error(`dbos made ${made.n} of ${first}.`)
        },
      }
    },
    close: () => DBOS.shutdown(),
  }
}

function flowOf(length) {
  const steps = stepsOf({ length, kind: 'async' })
  return DBOS.registerWorkflow(
    async (first) => {
      let item = first
      for (const [i, step] of steps.entries()) {
        const from = item
        item = await DBOS.runStep(() => step(from), { name: `step${i}` })
      }
      return item
    },
    { name: `chain${length}` },
  )
}
