/** What the audit knows of one instance, and what it looks at. */
import type { Header, HookInfo, Mail, Row } from 'polaris-workflow'
import type { MemoryStore } from 'polaris-workflow/stores/memory'
import type { Graph } from '../model/graph.ts'
import type { BuilderSpec, Inputs } from '../model/spec.ts'
import type { Counted } from './counts.ts'
import type { Actor } from './scheduler.ts'
import type { Operation } from './workload.ts'

/** A scope that has ended, as the store has it. */
export interface Settled {
  readonly header: Header
  readonly rows: readonly Row[]
}

export interface AuditFacts {
  readonly store: MemoryStore
  readonly graph: Graph
  readonly ids: readonly string[]
  readonly operations: readonly Operation[]
  /** No faults, so that nobody may lose anything. */
  readonly calm: boolean
  readonly now: () => number
  readonly count: (name: Counted, holds?: boolean) => void
  readonly blame: (problem: string) => void
}

export interface Subject {
  readonly id: string
  header: Header | undefined
  mail: readonly Mail[]
  rows: readonly Row[]
  settled: Map<number, Settled>
  /** Who changed it or took it over, and when. */
  readonly changed: { readonly actor: Actor; readonly at: number }[]
  /** Which operation's delta each scope holds. */
  operations: Map<number, number>
  /** Instances of this id that were removed. */
  readonly past: (History & {
    readonly operations: ReadonlyMap<number, number>
    readonly settled: ReadonlyMap<number, Settled>
  })[]
}

/** An instance's rows. */
export interface History {
  readonly incarnation: string
  readonly rows: readonly Row[]
}

export interface Look {
  readonly facts: AuditFacts
  readonly holders: Map<string, Actor>
  readonly actor: Actor
  readonly subject: Subject
  readonly before: Header | undefined
  readonly now: Header
}

export type Say = (problem: string) => void

/** Judges what scopes come to: by the reference, or by what the rules promise of time and second thoughts. */
export interface Judge {
  /** Somebody else has taken an open scope over: what the last holder got to stands. */
  taken(look: Look, before: Header, say: Say): void
  /** Rows were added. */
  added(look: Look, rows: readonly Row[], say: Say): void
  ended(look: Look, rows: readonly Row[], say: Say): void
  ran(b: BuilderSpec, inputs: Inputs, key: string, attempt: number, info: HookInfo): void
  /** Whether what has been done may set off something later. */
  readonly waits: boolean
  /** When an instance goes on by itself; `null`: never. */
  goesOn(header: Header): number | null
  /** Nothing is left to do. */
  rests(subject: Subject, say: Say): void
}

export function newSubject(id: string): Subject {
  const lists = { mail: [], rows: [], settled: new Map(), operations: new Map(), past: [] }
  return { id, header: undefined, changed: [], ...lists }
}

/** Why a scope ended that did not end by itself. */
export const isReason = (row: Row): boolean => row.builder === null && row.outcome === 'failed'
