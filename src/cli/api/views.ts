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
