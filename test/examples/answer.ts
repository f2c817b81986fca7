/** What the cab-ride service answers, all routes together: each has some of these. */
export interface Answer {
  readonly status: string
  readonly message: string
  readonly error: string
  /** The help, which is not JSON. */
  readonly text: string
  readonly produced: Readonly<Record<string, unknown>>
  readonly data: Readonly<Record<string, unknown>>
  readonly waitingFor: readonly string[]
  readonly because: readonly string[]
  readonly issues: readonly { readonly path: string; readonly message: string }[]
  readonly send: readonly string[]
  readonly example: unknown
  readonly builders: readonly { readonly name: string }[]
  readonly rides: readonly { readonly ride: string }[]
  readonly entries: readonly { readonly outcome: string; readonly data?: string; readonly value?: unknown }[]
  /** Of a ride the requests that move it on, of a page the path of the one behind it. */
  readonly next: string | readonly string[]
}
