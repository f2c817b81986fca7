import { FlowProducer, Worker } from 'bullmq'
import { stepsOf } from '../steps.mjs'

/** A job for each step, which waits for its child: the step before. Who waits for the last hears it from the worker itself. */
export async function durable({ at, name }) {
  const { hostname, port, password, username } = new URL(at)
  const connection = {
    host: hostname,
    port: Number(port || 6379),
    password: password || undefined,
    username: username || undefined,
  }
  const prefix = `${name}-bullmq`
  const producer = new FlowProducer({ connection, prefix })
  const [step] = stepsOf({ length: 1, kind: 'async' })
  const waiting = new Map()
  const worker = new Worker(
    'steps',
    async (job) => {
      const [from] = Object.values(await job.getChildrenValues())
      return step(from ?? job.data)
    },
    { connection, prefix, concurrency: 100 },
  )
  worker.on('completed', (job, made) => {
    if (job.parentKey !== undefined) return
    waiting.get(job.id)?.(made)
    waiting.delete(job.id)
  })
  await worker.waitUntilReady()
  let n = 0
  return {
    load: ({ length }) => ({
      async run() {
        const first = ++n
        const id = `run-${first}`
        const output = new Promise((resolve) => waiting.set(id, resolve))
        await producer.add(flowOf(length, { n: first, s: 'start' }, id))
        const made = await output
        if (made.n !== first + length) throw new Error(`bullmq made ${made.n} of ${first}.`)
      },
    }),
    async close() {
      await worker.close()
      await producer.close()
    },
  }
}

function flowOf(length, data, jobId) {
  let flow = { name: 'step0', queueName: 'steps', data }
  for (let i = 1; i < length; i++) flow = { name: `step${i}`, queueName: 'steps', data: {}, children: [flow] }
  return { ...flow, opts: { jobId } }
}
