/** What the processes of a run do: alarms that ring at a moment, and jobs of which one may never end. */
import { builder, data, service, timer, type, workflow } from 'polaris-workflow'

/** Where builders keep books, outside of the store. */
export interface Books {
  readonly name: string
  add(record: object): void
}
const Books = service<Books>()('books')

export const Alarm = data('Alarm', type<{ readonly at: Date }>())
const Rang = data('Rang', type<{ readonly at: Date }>())
const Heard = data('Heard', type<string>())

export const alarm = workflow({
  name: 'alarm',
  builders: [
    timer({ name: 'ring', after: Alarm, at: ({ at }) => at, produces: Rang }),
    builder({
      name: 'hear',
      consumes: { rang: Rang },
      services: { books: Books },
      produces: Heard,
      process(_, { services: { books }, workflowId }) {
        books.add({ heard: workflowId, at: Date.now() })
        return books.name
      },
    }),
  ],
  target: Heard,
})

/** `trap`: who never comes out of it. */
export const Job = data('Job', type<{ readonly trap?: string }>())
const Done = data('Done', type<string>())

export const jobs = workflow({
  name: 'jobs',
  builders: [
    builder({
      name: 'work',
      consumes: { job: Job },
      services: { books: Books },
      produces: Done,
      process({ job: { trap } }, { services: { books }, workflowId }) {
        if (trap === books.name) {
          books.add({ trapped: workflowId, at: Date.now() })
          for (;;);
        }
        books.add({ done: workflowId, at: Date.now() })
        return books.name
      },
    }),
  ],
  target: Done,
})
