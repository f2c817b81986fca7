import { randomUUID } from 'node:crypto'
import { OpenWorkflow } from 'openworkflow'
import { BackendSqlite } from 'openworkflow/sqlite'
import { stepsOf } from '../steps.mjs'

/**
 * Needs Node 22. As its documentation has it used, the worker and who waits for a result both poll, up to a second. Here
 * the worker is told to claim as soon as there is a run, and who waits is told as soon as it is complete: what remains is
 * its work.
 */
export async function durable({ at }) {
  const backend = BackendSqlite.connect(`${at}-openworkflow`)
  backend.db.exec('PRAGMA synchronous = FULL')
  const waiting = new Map()
  const complete = backend.completeWorkflowRun.bind(backend)
  backend.completeWorkflowRun = async (params) => {
    const run = await complete(params)
    waiting.get(params.workflowRunId)?.(params.output)
    waiting.delete(params.workflowRunId)
    return run
  }
  const client = new OpenWorkflow({ backend })
  const flows = new Map([3, 10].map((length) => [length, flowOf(client, length)]))
  const worker = client.newWorker({ concurrency: 1000 })
  let n = 0
  return {
    load({ length }) {
      const flow = flows.get(length)
      return {
        async run() {
          const first = ++n
          const { workflowRun } = await flow.run({ n: first, s: 'start' })
          const output = new Promise((resolve) => waiting.set(workflowRun.id, resolve))
          await worker.claimAndProcessWorkflowRunInBackground(randomUUID())
          const made = await output
          if (made.n !== first + length) throw new Error(`openworkflow made ${made.n} of ${first}.`)
        },
      }
    },
    close: () => backend.stop(),
  }
}

function flowOf(client, length) {
  const steps = stepsOf({ length, kind: 'async' })
  return client.defineWorkflow({ name: `chain${length}` }, async ({ input, step }) => {
    let item = input
    for (const [i, one] of steps.entries()) {
      const from = item
      item = await step.run({ name: `step${i}` }, () => one(from))
    }
    return item
  })
}
