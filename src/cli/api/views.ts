/** What the HTTP API answers, as far as the command line reads it. Times are ISO 8601. */

export interface Said {
  readonly name: string
  readonly message: string
  readonly code?: string
}

export interface Summary {
  readonly id: string
  readonly workflow: string
  readonly version: number
  readonly status: string
  readonly scopes: number
  readonly revision: number
  readonly createdAt: string
  readonly updatedAt: string
}

export interface Instance extends Summary {
  readonly waitingFor: readonly string[]
  readonly targetName?: string
  readonly data: Readonly<Record<string, unknown>>
  readonly failure?: Said & { readonly builder: string; readonly at: string; readonly attempt?: number }
  readonly retries?: readonly { readonly builder: string; readonly attempt: number; readonly retryAt: string }[]
}

export interface Outcome {
  readonly id: string
  readonly workflow: string
  readonly version: number
  readonly scope: number
  readonly status: string
  readonly waitingFor: readonly string[]
  readonly targetName?: string
  readonly target?: unknown
  readonly produced: Readonly<Record<string, unknown>>
}

export interface BuilderState {
  readonly name: string
  readonly state: 'done' | 'nothing' | 'waitFor' | 'settled' | 'due' | 'failed' | 'retrying' | 'lacking' | 'idle'
  readonly lacks: readonly { readonly data: string; readonly from?: string; readonly because?: string }[]
  readonly outdated: boolean
  readonly because?: string
  readonly awaits?: string
  readonly error?: Said
  readonly attempt?: number
  readonly retryAt?: string
}

export interface TimerState {
  readonly name: string
  readonly produces: string
  readonly when: string
  readonly state: string
  readonly at?: string
}

export interface Explanation {
  readonly id: string
  readonly workflow: string
  readonly version: number
  readonly status: string
  readonly open?: { readonly scope: number; readonly pass: number; readonly mode: string }
  readonly waitingFor: readonly string[]
  readonly targets: readonly {
    readonly name: string
    readonly state: 'present' | 'stale' | 'absent'
    readonly because: readonly string[]
    readonly waitingFor: readonly string[]
  }[]
  readonly builders: readonly BuilderState[]
  readonly timers?: readonly TimerState[]
  /** The service does not have the code of its version. */
  readonly unserved?: true
  readonly mail?: readonly {
    readonly scope: number
    readonly since: string
    readonly version: number
    readonly stuck?: string
  }[]
  readonly deadline?: string
  readonly compensation?: { readonly done: boolean; readonly left: number; readonly builder?: string }
}

export interface Entry {
  readonly seq: number
  readonly scope: number
  readonly pass: number
  readonly outcome: string
  readonly builder?: string
  readonly data?: string
  readonly value?: unknown
  readonly inputs: readonly { readonly data: string; readonly seq: number }[]
  readonly startedAt: string
  readonly endedAt: string
  readonly because?: string
  readonly awaits?: string
  readonly error?: Said
  readonly meta?: Readonly<Record<string, unknown>>
  readonly from?: { readonly id: string; readonly seq: number }
  readonly attempt?: number
  readonly retryAt?: string
  readonly fallback?: true
  readonly sameAs?: number
  readonly move?: { readonly from: { readonly version: number }; readonly to: { readonly version: number } }
}

export interface WorkflowLine {
  readonly name: string
  readonly version: number
  readonly versions: readonly number[]
  readonly targets: readonly string[]
  readonly inputs: readonly string[]
}

/** What of a move to another version, or of an operation, is known ahead. */
export interface Ahead {
  readonly operation: 'upgrade' | 'resume' | 'restart' | 'rerun'
  readonly id: string
  readonly workflow: string
  readonly possible: boolean
  readonly because?: readonly { readonly message: string }[]
  readonly due?: readonly string[]
  readonly wouldRun?: readonly string[]
  /** Of a move, the versions. */
  readonly from?: number
  readonly to?: number
  readonly steps?: readonly string[]
  readonly dropped?: readonly string[]
  readonly data?: Readonly<Record<string, unknown>>
  readonly status?: string
  readonly waitingFor?: readonly string[]
}

/** What is different between two versions of a workflow. */
export interface Difference {
  readonly workflow: string
  readonly from: number
  readonly to: number
  readonly same: boolean
  readonly sentences: readonly string[]
}

/** What is different between two moments of an instance. */
export interface DataDifference {
  readonly id: string
  readonly from: number
  readonly to: number
  readonly data: readonly {
    readonly name: string
    readonly change: 'added' | 'removed' | 'changed'
    readonly before?: unknown
    readonly after?: unknown
  }[]
  readonly same: readonly string[]
}

export interface Lineage {
  readonly seq: number
  readonly complete: boolean
  readonly entries: readonly (Entry & { readonly side: 'itself' | 'from' | 'into' })[]
}

export interface BuilderRuns {
  readonly complete: boolean
  readonly builders: readonly {
    readonly name: string
    readonly runs: number
    readonly failures: number
    readonly lastAt: string
    readonly ms: { readonly last: number; readonly mean: number; readonly max: number }
  }[]
}

export interface Overview {
  readonly asOf: string
  readonly complete: boolean
  readonly looked: number
  readonly workflows: readonly {
    readonly workflow: string
    readonly versions: readonly {
      readonly version: number
      readonly served: boolean
      readonly open: number
      readonly counts: Readonly<Record<string, number>>
      readonly oldestOpen?: string
    }[]
  }[]
}

interface Sample {
  readonly looked: number
  readonly complete: boolean
}

/** Where open instances of a version stand, and how its builders fare. */
export interface Standing {
  readonly workflow: string
  readonly version: number
  readonly open: Sample
  readonly recent: Sample
  readonly waitingFor: readonly { readonly data: string; readonly count: number }[]
  readonly builders: readonly {
    readonly name: string
    readonly states: Readonly<Record<string, number>>
    readonly runs: number
    readonly failures: number
    readonly ms?: { readonly mean: number; readonly p50: number; readonly p95: number; readonly max: number }
  }[]
}
