/** Found by the chaos run: a worker met a SyntaxError where another process had handled the mail before it read it. */
import { expect, it } from 'vitest'
import { builder, data, Polaris, type, workflow } from 'polaris-workflow'
import type { DataStore } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { turns } from '../support/lab.ts'
import { storeTime } from '../support/time.ts'

const Note = data('Note', type<number>())
const Seen = data('Seen', type<number>())
const see = builder({ name: 'see', consumes: { note: Note }, produces: Seen, process: ({ note }) => note })
const notes = workflow({ name: 'notes', builders: [see], target: Seen })

it('a worker whose lease ended before it read the mail leaves alone what another process has handled since', async () => {
  const store = memoryStore({ strict: true, now: storeTime.now })
  const other = new Polaris({ store }).register(notes)
  let read = (): void => undefined
  const hasRead = new Promise<void>((resolve) => (read = resolve))
  let reads = 0
  const late: DataStore = {
    ...store,
    async mail(id, query) {
      if (reads++ > 0) return store.mail(id, query)
      storeTime.outliveLeases()
      await other.executor().parallel(notes, id, Note(2))
      const mails = store.mail(id, query)
      read()
      return mails
    },
  }
  await other.executor().submit(notes, 'a', Note(1))
  const troubles: unknown[] = []
  const polaris = new Polaris({ store: late }).register(notes)
  const worker = polaris.worker({ concurrency: 1, onTrouble: (error) => troubles.push(error) }).start()
  await hasRead
  await turns(5)
  await worker.stop()
  expect(troubles).toEqual([])
  const seen = (await other.history('a')).filter(({ builder: by }) => by === 'see')
  expect(seen.map(({ value, scope }) => [value, scope])).toEqual([
    [1, 1],
    [2, 2],
  ])
})
