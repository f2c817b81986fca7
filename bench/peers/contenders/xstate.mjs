import { assign, createActor, fromPromise, setup, toPromise } from 'xstate'
import { stepsOf } from '../steps.mjs'

/** A state for each step, which invokes it as a promise. */
export function contender(chain) {
  const steps = stepsOf(chain)
  const states = Object.fromEntries(
    steps.map((step, i) => [
      `step${i}`,
      {
        invoke: {
          src: `step${i}`,
          input: ({ context }) => context.item,
          onDone: { target: i + 1 < steps.length ? `step${i + 1}` : 'done', actions: assign({ item: takeOutput }) },
        },
      },
    ]),
  )
  const machine = setup({
    actors: Object.fromEntries(steps.map((step, i) => [`step${i}`, fromPromise(async ({ input }) => step(input))])),
  }).createMachine({
    context: ({ input }) => ({ item: input }),
    initial: 'step0',
    states: { ...states, done: { type: 'final' } },
    output: ({ context }) => context.item,
  })
  return async (n) => {
    const actor = createActor(machine, { input: { n, s: 'start' } })
    actor.start()
    return toPromise(actor)
  }
}

function takeOutput({ event }) {
  return event.output
}
