/** The processes of the benches over HTTP: services, and who asks them. */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { LoadReading, LoadTask } from './http-load.ts'
import type { Place } from './stores-servers.ts'

interface RunningService {
  readonly url: string
  /** Milliseconds of CPU that its process has taken so far. */
  cpu(): Promise<number>
}

export async function startService(
  name: 'ours' | 'ours-scope' | 'by-hand',
  place: Place,
  children: ChildProcess[],
): Promise<RunningService> {
  const child = started('./http-service.js', [name, JSON.stringify(place)], children)
  const { url } = await answerOf<{ readonly url: string }>(child)
  return {
    url,
    async cpu() {
      child.send({})
      return (await answerOf<{ readonly cpu: number }>(child)).cpu
    },
  }
}

export async function startLoad(children: ChildProcess[]): Promise<(task: LoadTask) => Promise<LoadReading>> {
  return startReader<LoadTask, LoadReading>('./http-load.js', children)
}

/** A process that takes tasks, one at a time, and answers each with a reading. */
export async function startReader<Task extends object, Reading>(
  script: string,
  children: ChildProcess[],
): Promise<(task: Task) => Promise<Reading>> {
  const child = started(script, [], children)
  await answerOf(child)
  return async (task) => {
    child.send(task)
    const { reading, error } = await answerOf<{ readonly reading: Reading; readonly error?: string }>(child)
    if (error !== undefined) throw new Error(error)
    return reading
  }
}

function started(script: string, args: string[], children: ChildProcess[]): ChildProcess {
  const env = { ...process.env, NODE_ENV: 'production' }
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), args, {
    env,
    execArgv: [],
    stdio: ['ignore', 2, 2, 'ipc'],
  })
  children.push(child)
  return child
}

/** The next message, unless the process ends before. */
function answerOf<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const gone = (): void => reject(new Error('A process of the bench ended before it was done.'))
    child.once('exit', gone)
    child.once('message', (message) => {
      child.off('exit', gone)
      resolve(message as T)
    })
  })
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  if (child.connected) child.disconnect()
  await ended
}
