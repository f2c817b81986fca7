/** What the HTTP API answers: the library's own types, as JSON has them. */
import type {
  BuilderExplanation,
  Explanation,
  HistoryEntry,
  InstanceStatus,
  InstanceSummary,
  InstanceView,
  PlanBuilder,
  PlanData,
  PlanJson,
  WorkflowDifference,
} from '../../index.ts'

type TimeKey = 'createdAt' | 'updatedAt' | 'startedAt' | 'endedAt' | 'retryAt' | 'at' | 'deadline'
type Callable = (...args: never[]) => unknown

/** Times come as ISO 8601, methods not at all. */
type Wire<T> = T extends readonly (infer Item)[]
  ? readonly Wire<Item>[]
  : T extends object
    ? {
        readonly [K in keyof T as T[K] extends Callable ? never : K]: K extends TimeKey ? string : Wire<T[K]>
      }
    : T

export type Status = Exclude<InstanceStatus, 'deleted'>
export type Summary = Omit<Wire<InstanceSummary>, 'status'> & {
  readonly status: Status
  readonly waitingFor?: readonly string[]
}
export type Instance = Omit<Wire<InstanceView>, 'status' | 'retries'> & {
  readonly status: Status
  readonly retries?: Wire<InstanceView>['retries']
}
export type Explained = Wire<Explanation>
export type BuilderState = BuilderExplanation['state']
export type ExplainedBuilder = Explained['builders'][number]
export type Entry = Wire<HistoryEntry>
export type Builder = PlanBuilder
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
export type Schema = Readonly<Record<string, unknown>>
export interface DataOfPlan extends PlanData {
  readonly schema: Schema
}
export type Plan = Omit<PlanJson, 'data'> & { readonly data: readonly DataOfPlan[] }

export interface WorkflowOfList {
  readonly name: string
  readonly version: number
  readonly versions: readonly number[]
  readonly targets: readonly string[]
  readonly inputs: readonly string[]
}

export type Counts = Readonly<Record<Status, number>>
export interface VersionOverview {
  readonly version: number
  readonly served: boolean
  readonly open: number
  readonly counts: Counts
  readonly oldestOpen?: string
  readonly lastMinute: { readonly created: number; readonly changed: Counts }
}
export interface WorkflowOverview {
  readonly workflow: string
  readonly newest?: number
  readonly versions: readonly VersionOverview[]
}
export interface Overview {
  readonly asOf: string
  readonly complete: boolean
  readonly looked: number
  readonly workflows: readonly WorkflowOverview[]
}

export interface InstancePage {
  readonly instances: readonly Summary[]
  readonly next?: string
  readonly looked?: number
}

/** Where the instances of a version stand, by samples of them. */
export interface Standing {
  readonly asOf: string
  readonly open: Sample
  readonly recent: Sample
  readonly waitingFor: readonly { readonly data: string; readonly count: number }[]
  readonly builders: readonly BuilderStanding[]
}
interface Sample {
  readonly looked: number
  readonly complete: boolean
}
export interface BuilderStanding {
  readonly name: string
  readonly states: Readonly<Record<BuilderState, number>>
  readonly runs: number
  readonly failures: number
  readonly ms?: { readonly mean: number; readonly p50: number; readonly p95: number; readonly max: number }
}

export type VersionDifferences = Wire<WorkflowDifference>
