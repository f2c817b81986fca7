import { Effect } from 'effect'
import { stepsOf } from '../steps.mjs'

/** Generators, as its documentation writes programs. */
export function contender(chain) {
  const steps = stepsOf(chain)
  const wrap = chain.kind === 'sync' ? Effect.sync : Effect.promise
  const program = (first) =>
    Effect.gen(function* () {
      let item = first
      for (const step of steps) item = yield* wrap(() => step(item))
      return item
    })
  return async (n) => Effect.runPromise(program({ n, s: 'start' }))
}
