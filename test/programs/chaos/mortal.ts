/** A store whose process kills itself at one of its calls. */
import type { DataStore } from 'polaris-workflow'

const OPS = ['write', 'append', 'claim'] as const
const MOMENTS = ['before', 'during', 'after'] as const

/** By what a process does: the points at which it is to die, one after the other. */
export function fatalPoints(role: 'worker' | 'feeder'): readonly string[] {
  const times = role === 'worker' ? { write: 8, append: 0, claim: 3 } : { write: 6, append: 3, claim: 2 }
  const points = OPS.flatMap((op) =>
    Array.from({ length: times[op] }, (_, index) => MOMENTS.map((moment) => `${op}:${index + 1}:${moment}`)).flat(),
  )
  // Far apart ones first: a short run shall not see the first write only. 7 divides none of the lengths.
  return points.map((_, index) => points[(index * 7) % points.length] ?? '')
}

/**
 * @param fatal `write:3:after`: the third write gets to the medium, and its answer to nobody. `before`: it does not get
 * there. `during`: it is sent, and nobody knows.
 */
export function mortal(store: DataStore, fatal: string | undefined): DataStore {
  if (fatal === undefined) return store
  const [op, number, moment] = fatal.split(':')
  let calls = 0
  const guard = <Args extends unknown[], Answer>(
    name: string,
    call: (...args: Args) => Answer | PromiseLike<Answer>,
  ): ((...args: Args) => Answer | PromiseLike<Answer>) => {
    if (name !== op) return call
    return (...args) => {
      calls++
      if (calls !== Number(number)) return call(...args)
      if (moment === 'before') die()
      const answer = call(...args)
      if (moment === 'during') setImmediate(die)
      return Promise.resolve(answer).finally(die)
    }
  }
  return {
    ...store,
    write: guard('write', (changes) => store.write(changes)),
    append: guard('append', (appends) => store.append(appends)),
    claim: guard('claim', (query) => store.claim(query)),
  }
}

function die(): void {
  process.kill(process.pid, 'SIGKILL')
}
