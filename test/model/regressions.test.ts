/**
 * What the property test found, at its smallest: each case is played on the engine and on the reference, in the plain
 * memory store and in the one that behaves as the durable ones do.
 */
import { memoryStore } from 'polaris-workflow/stores/memory'
import { describe, test } from 'vitest'
import type { Case, Crash, Step } from './generate.ts'
import type { Mode } from './model.ts'
import { runCase } from './run.ts'
import type { WorkflowSpec } from './spec.ts'
import { b, w } from './words.ts'
import { storeTime } from '../support/time.ts'

/**
 * `'X Y'` feeds X and Y in sequence; a crash may be named after a comma: `'X, before 3'`; `'reopen X'` in a new process.
 * `'!rerun b'`, `'!restart'`, `'!resume'`, `'!fork 3'` do what they say.
 */
function stepOf(text: string, at: number): Step {
  const [words = '', death = ''] = text.split(', ')
  const [, kind = 'call', about = ''] = /!(\w+) ?(\w*)/.exec(words) ?? []
  const names = kind === 'call' ? words.split(' ').filter((word) => word !== '' && word !== 'reopen') : []
  const [how, write] = death.split(' ')
  return {
    kind: kind as Step['kind'],
    mode: 'sequential',
    delta: names.map((name) => ({ name, value: `${name}${String(at + 1)}` })),
    builder: about,
    at: Number(about) || 0,
    reopen: words.startsWith('reopen'),
    concurrency: 0,
    crash: death === '' ? null : { how: how as Crash['how'], write: Number(write) },
  }
}

/** All that feeds nothing runs in parallel. */
const inMode = (step: Step, mode: Mode): Step => ({ ...step, mode: step.kind === 'call' ? mode : 'parallel' })

function agrees(name: string, spec: WorkflowSpec, ...calls: string[]): void {
  describe(name, () => {
    for (const store of ['memory', 'strict'] as const) {
      for (const mode of ['sequential', 'parallel'] as const) {
        test(`${store}, ${mode}`, async () => {
          const given: Case = { spec, store, steps: calls.map((text, at) => inMode(stepOf(text, at), mode)) }
          await runCase(given, {
            lasting: false,
            open: () => memoryStore({ strict: store === 'strict', now: storeTime.now }),
          })
        })
      }
    }
  })
}

agrees(
  'a transient is not made again for a reader that lacks something else',
  w([b('X > T'), b('T Y Z > C')], { transients: ['T'] }),
  'X',
  'Z',
)

agrees(
  'a run that only made a transient again and gave nothing does not make the target stale, nor anyone due',
  w([b(' > N', { nothing: 1 }), b('N G > P')], { transients: ['N'] }),
  'P',
  'G',
  'reopen',
)

agrees(
  'a transient that was only made again counts as its builder’s run in that scope, also after a crash',
  w([b('C > T'), b('T? Y > D'), b('D? Y? X > C', { timing: 'macro' }), b('Z > E')], { transients: ['T'], loops: true }),
  'X',
  'Y, before 3',
  '',
)

agrees(
  'a transient that is made again is not seen over an edge that reaches back, before the next pass',
  w([b('B? > A'), b('A? > C'), b('C? X > B'), b('B A? Z > R')], { transients: ['A', 'B'], loops: true }),
  'X',
  'Z',
)

agrees(
  'a transient product leaves nobody due over an edge that reaches back, since it triggers nobody there',
  w([b('T? > R'), b('R? X > T'), b('X > G'), b('G > H'), b('H > F', { throwsFirst: 1 })], {
    transients: ['T'],
    loops: true,
  }),
  'X',
  '',
)

agrees(
  'a transient product leaves nobody due over an edge that reaches back, also after it was made again for a reader',
  w([b('T? > R'), b('R? X > T'), b('T > H', { throwsFirst: 2 })], { transients: ['R', 'T'], loops: true }),
  'X',
  'reopen',
  '',
)

agrees(
  'what a failed scope did to a target is not forgotten by the next one',
  w([b('X > P', { nothing: 1 }), b('Y > F', { throwsFirst: 1 })], { target: 'P' }),
  'P',
  'X Y',
  '',
)

agrees(
  'waitingFor is empty where a failed scope left the target as good as it was',
  w([b('X > A'), b('Y > F', { throwsFirst: 1 })], { target: 'A' }),
  'X',
  'Y',
)

agrees('waitingFor names a fed transient that has to come again', w([b('T Y > A')], { transients: ['T'] }), 'T')

agrees(
  'waitingFor names what a transient that is to be made again is made of',
  w([b('X > T'), b('T Y > A')], { transients: ['X', 'T'] }),
  'X',
)

agrees(
  'waitingFor names what the builders lack that have to run after the one that waits',
  w([b('X > A', { waitFor: 1 }), b('A? Y > B')]),
  'B',
  'X',
)

agrees(
  'waitingFor does not name what a builder lacks that has run',
  w([b('X T > V'), b('V? Z > B')], { transients: ['T'] }),
  'B',
  'X T',
)

agrees(
  'waitingFor names what is lacking on every path below the builder that ran',
  w([b('X > V'), b('V? Y > N'), b('V? Z > M'), b('N? M? > B')]),
  'B',
  'X',
)

agrees(
  'what a product was before a restart is not seen over an edge that reaches back, also after a crash',
  w([b('C? > A'), b('A X > B'), b('B > C'), b('C Z > R')], { loops: true, target: 'R' }),
  'X',
  '!restart, before 3',
  '!resume',
)

agrees(
  'a once builder that was asked again and threw no longer hides what lies above it from the result',
  w([b('X > A'), b('A > P', { once: true, throwsAt: 1 }), b('P > R')]),
  'X',
  'X',
  '!rerun p',
)

agrees(
  'a copy that ends within a scope has due what is due there, and so has a copy of the copy',
  w([b('X > A'), b(' > S'), b('A Y > R')]),
  'X Y',
  '!fork 2',
  '!fork 2',
  '!resume',
)

agrees(
  'a restart takes back products for good, and asks of everyone to run again',
  w([b('X > A', { once: true }), b(' > S'), b('A S Y? > R', { throwsAt: 1 })]),
  'X A',
  'Y',
  '!restart',
  'reopen',
  '!rerun a',
  '!restart, after 2',
  '!resume',
)

agrees(
  'a rerun of a once builder that cannot run lets its target be stale, whatever was known of it',
  w([b('X T > A', { once: true }), b(' > T')], { transients: ['X', 'T'], target: 'A' }),
  'X',
  '!rerun t',
  '!rerun a',
)

const about = { abouts: { R: 'D' }, target: 'T' }

agrees(
  'a builder that makes what its own input is about is not bereft by its own product',
  w([b('R > D', { throwsFirst: 1 })], { abouts: { R: 'D' } }),
  'D',
  'R',
  '',
)

agrees(
  'what reads data about another waits until that is durable',
  w([b('X R? > T'), b('X > D')], about),
  'X, before 2',
  'reopen X R',
  'X',
)

agrees('a target fed with what takes away its input stands', w([b('R D? > T')], about), 'D', 'R', 'T D', '')

agrees(
  'what the delta takes away makes nobody due any more',
  w([b('X? > P')], { abouts: { X: 'P' } }),
  'P X',
  '!fork 7',
  'P',
)
