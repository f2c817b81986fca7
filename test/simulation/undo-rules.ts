/** What is outside of the store, done and undone under keys; and what has to hold of it. */
import type { Row } from 'polaris-workflow'
import type { BuilderSpec, Inputs, Value } from '../model/spec.ts'
import { isAboutUndoing, lastOf, toUndo } from './standing-rows.ts'
import type { AuditFacts, Say } from './subject.ts'
import type { TimedSpec } from './timed-spec.ts'
import { headerOf, rowsOf, valueOf } from './world.ts'

/** A call of `compensate`. */
export interface Undoing {
  readonly id: string
  readonly b: BuilderSpec
  readonly inputs: Inputs
  readonly key: string
  readonly product: Value | undefined
}

export interface Outside {
  /** A builder does something. */
  begins(id: string, b: BuilderSpec, inputs: Inputs, key: string): void
  undoes(undoing: Undoing): void
  undone(undoing: Undoing): void
  /** All of an instance is said to be undone. */
  checkUndone(rows: readonly Row[], incarnation: string, say: Say): void
}

const incarnationOf = (key: string): string => key.split(':')[0] ?? ''

export function newOutside(facts: AuditFacts, timed: TimedSpec): Outside {
  const begun = new Map<string, { readonly builder: string; readonly inputs: string }>()
  const undone = new Set<string>()
  const { store, count } = facts
  const isCurrent = (id: string, key: string): boolean => headerOf(store, id)?.incarnation === incarnationOf(key)
  return {
    begins(id, b, inputs, key) {
      if (!timed.undo.has(b.name)) return
      const stands = rowsOf(store, id).some(({ outcome, note }) => outcome === 'started' && note?.key === key)
      if (!stands && isCurrent(id, key)) facts.blame(`${b.name} of ${id} begins, which is not stored`)
      begun.set(key, { builder: b.name, inputs: textOf(inputs) })
    },
    undoes({ id, b, inputs, key, product }) {
      const blame = (problem: string): void => facts.blame(`undoing ${b.name} of ${id} as ${key} ${problem}`)
      const known = begun.get(key)
      if (known !== undefined && known.inputs !== textOf(inputs))
        blame(`is given ${textOf(inputs)}, it ran with ${known.inputs}`)
      count('undone without having begun', known === undefined)
      if (!isCurrent(id, key)) return
      const rows = rowsOf(store, id)
      const list = toUndo(rows)
      const at = list.findIndex((each) => each.key === key)
      // A process that has lost its lease may be late.
      if (at < 0 && rows.some(({ outcome, note }) => outcome === 'compensated' && note?.key === key)) return
      const made = list[at]?.product
      if (at !== 0) blame(`is not its turn: there is ${list.map((each) => each.key).join(' ')}`)
      else if (product !== (made && valueOf(made)))
        blame(`is given ${String(product)}, it made ${made && valueOf(made)}`)
      count('undone without a product', made === undefined)
    },
    undone({ key }) {
      undone.add(key)
    },
    checkUndone(rows, incarnation, say) {
      if (lastOf(rows, isAboutUndoing)?.outcome !== 'compensated') return
      const left = toUndo(rows)
      const end = lastOf(rows, isAboutUndoing)!.seq
      for (const { key, at } of left) if (at < end) say(`${key} was not undone`)
      for (const { outcome, note } of rows) {
        if (outcome !== 'compensated' || note?.key === undefined || incarnationOf(note.key) !== incarnation) continue
        if (!undone.has(note.key)) say(`${note.key} is said to be undone`)
      }
      for (const [key, { builder }] of begun) {
        if (incarnationOf(key) !== incarnation || undone.has(key)) continue
        const started = rows.findLast((row) => row.outcome === 'started' && row.note?.key === key)
        if (started === undefined) say(`${builder} did something as ${key}, and nobody knows`)
        else if (started.seq < end && !endedEmpty(rows, started)) say(`what ${builder} did as ${key} was never undone`)
      }
    },
  }
}

function endedEmpty(rows: readonly Row[], { builder, seq }: Row): boolean {
  const end = rows.find((row) => row.builder === builder && row.seq > seq && row.outcome !== 'failed')
  return end?.outcome === 'nothing'
}

const textOf = (inputs: Inputs): string => JSON.stringify(Object.entries(inputs).sort())
