import type { Graph } from '../../graph/graph.ts'
import type { Row } from '../../stores/contract.ts'
import { FORKED } from './program.ts'

/** What an instance's rows say about time, its data aside. Only instances of workflows with timers or a timeout have it. */
export class Timing {
  /** When the instance was created (ms since the epoch). */
  createdAt = 0
  /** Where it is a copy: when it was made. */
  forked: Row | undefined
  /** By timer, the newest time that it could not go off. */
  readonly failures: Map<number, Row> = new Map()
  /** That it has had its time to reach a target. */
  timedOut: Row | undefined
  /** The newest reason for which nothing more happens by itself. */
  private halt: Row | undefined

  /** Takes in why a scope could not be run, or was ended from outside. */
  noteReason(row: Row): void {
    const code = row.note?.error?.code
    if (code === 'WORKFLOW_TIMEOUT') this.timedOut = row
    if (code === 'WORKFLOW_TIMEOUT' || code === 'CRASH_LOOP') this.halt = row
  }

  /** It was made as a copy: its time begins anew. */
  noteFork(row: Row): void {
    this.forked = row
    this.createdAt = row.endedAt
    this.timedOut = undefined
  }

  /**
   * Whether nothing happens by itself any more before somebody resumes the instance, or feeds it.
   *
   * @param newest `seq` of the instance's newest row
   */
  isHalted(newest: number): boolean {
    return this.halt !== undefined && this.halt.seq === newest
  }
}

/** @param rows those that count, in order of `seq` */
export function loadTiming(graph: Graph, rows: readonly Row[]): Timing {
  const timing = new Timing()
  for (const row of rows) {
    if (row.place === FORKED) timing.noteFork(row)
    if (row.outcome !== 'failed') continue
    const node = row.builder === null ? undefined : graph.nodeOf.get(row.builder)
    if (row.builder === null) timing.noteReason(row)
    else if (node !== undefined && graph.nodes[node]?.timer !== undefined) timing.failures.set(node, row)
  }
  return timing
}
