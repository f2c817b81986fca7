import type { StandardSchemaV1 } from '@standard-schema/spec'
import { checksNothing } from '../../graph/data.ts'
import type { AnyData } from '../../graph/data.ts'
import type { Graph, Node, Slot } from '../../graph/graph.ts'
import type { RowKind } from './datum-row.ts'

/** The data a caller fed. */
export const FED = 'd:'
/** The newest product of a builder; the row names the data. */
export const PRODUCED = 'p:'
/** The newest run of a builder with `cutoff` whose product equalled the one before. */
export const UNCHANGED = 'u:'
/** The newest run of a builder that ended without a product, be it by a failure that stands as data. */
export const EMPTY = 'n:'
/** The newest run of a builder that threw. */
export const FAILED = 'f:'
/** That an instance has had its time. */
export const TIMED_OUT = 't:'
/** That what waited was about what no longer stood there. */
export const LATE = 'l:'
/** The newest run of a builder that only made a transient again. */
export const SUPPLIED = 's:'
/** The newest restart: rows before it are history, but for what was fed. */
export const RESTART = 'R:'
/** The newest rerun of a builder. */
export const RERUN = 'r:'
/** That the instance was cancelled. */
export const CANCELLED = 'x:'
/** The newest move to another version. */
export const MOVED = 'm:'
/** A product that came along to a version whose builder of it has not made it. */
export const HELD = 'h:'
/** The newest beginning of a builder whose effects can be undone. */
export const STARTED = 'b:'
/** How far it is with undoing what an instance has done. */
export const UNDOING = 'y:'
/** The newest run of a builder that was undone. */
export const UNDONE = 'z:'
/** Where a fork tells what it is a copy of. */
export const FORKED = 'k:'
/** The newest call that said something about itself. */
export const CALL = 'c:'

/** What the engine looks up about a builder each time it runs. */
export interface Step {
  readonly node: Node
  readonly produced: RowKind
  readonly empty: string
  readonly failed: string
  readonly supplied: string
  /** Checks the product; `undefined` where its schema checks nothing. */
  readonly validate: Validate | undefined
}

/** What the engine looks up about a data each time it is fed. */
export interface Intake {
  readonly slot: Slot
  readonly fed: RowKind
  readonly validate: Validate | undefined
}

export type Validate = StandardSchemaV1.Props['validate']

/** A graph with the places of its rows and its schemas at hand. */
export interface Program {
  readonly graph: Graph
  readonly steps: readonly Step[]
  readonly intakes: readonly Intake[]
}

const programs = new WeakMap<Graph, Program>()

export function programOf(graph: Graph): Program {
  const known = programs.get(graph)
  if (known !== undefined) return known
  const program: Program = {
    graph,
    steps: graph.nodes.map((node) => ({
      node,
      produced: productKind(node, graph.slots[node.out] as Slot),
      empty: EMPTY + node.name,
      failed: FAILED + node.name,
      supplied: SUPPLIED + node.name,
      validate: validatorOf(node.builder.produces as AnyData),
    })),
    intakes: graph.slots.map((slot) => ({ slot, fed: fedKind(slot), validate: validatorOf(slot.data) })),
  }
  programs.set(graph, program)
  return program
}

function productKind({ name: builder }: Node, { name: data }: Slot): RowKind {
  return { place: PRODUCED + builder, builder, data, outcome: 'produced' }
}

function fedKind({ name: data }: Slot): RowKind {
  return { place: FED + data, builder: null, data, outcome: 'fed' }
}

export function validatorOf({ schema }: Pick<AnyData, 'schema'>): Validate | undefined {
  return checksNothing(schema) ? undefined : (value, options) => schema['~standard'].validate(value, options)
}
