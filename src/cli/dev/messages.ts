/** What the process that watches over a service and the one that runs it say to each other. */

export interface DevSettings {
  readonly module: string
  readonly store: string
  readonly token: string
  readonly cwd: string
  readonly colors: boolean
  /** The store is there to be played with: instances go on with a graph that changed without its version. */
  readonly acceptChanged: boolean
}

export interface WorkflowFacts {
  readonly name: string
  readonly version: number
  readonly inputs: readonly string[]
  readonly targets: readonly string[]
  readonly builders: number
}

/** To the service. */
export type Order =
  | { readonly kind: 'load'; readonly settings: DevSettings }
  /** What it loaded shall be served now. */
  | { readonly kind: 'serve'; readonly port: number }
  | { readonly kind: 'stop' }

/** From the service. */
export type Report =
  /** The files that the module is made of, also where it could not be loaded. */
  | { readonly kind: 'files'; readonly files: readonly string[] }
  | { readonly kind: 'loaded'; readonly workflows: readonly WorkflowFacts[] }
  | { readonly kind: 'serving'; readonly url: string; readonly port: number }
  | { readonly kind: 'failed'; readonly message: string; readonly code?: string }
