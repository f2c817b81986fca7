/** Every call that does something takes a key: the same key again is the same thing, done once. */
export interface Warehouse {
  /** Puts items aside; resolves with what they cost, in cents. */
  reserve(items: readonly { readonly sku: string; readonly count: number }[], key: string): Promise<number>
  /** Harmless for what was never reserved, or released before. */
  release(key: string): Promise<void>
  ship(reservation: string, key: string): Promise<string>
}

export interface Charge {
  readonly token: string
  readonly cents: number
  readonly idempotencyKey: string
  readonly signal: AbortSignal
}

export interface PaymentProvider {
  charge(
    charge: Charge,
  ): Promise<{ readonly paid: true; readonly receipt: string } | { readonly paid: false; readonly reason: string }>
  /** Gives back what was charged under the key, if anything was. */
  refund(key: string): Promise<void>
}

export interface Messages {
  send(to: string, text: string, key: string): Promise<void>
}

export interface Outside {
  readonly services: {
    readonly warehouse: Warehouse
    readonly payments: PaymentProvider
    readonly messages: Messages
  }
  /** What really happened, in order. */
  readonly books: { readonly at: number; readonly what: string }[]
  /** Whether no parcel leaves the warehouse. */
  closed: boolean
}

const PRICES: Readonly<Record<string, number>> = { lamp: 2990, book: 1250 }

/** A stand-in for the world outside, which keeps books of what was done in it. */
export function fakeOutside(now: () => number): Outside {
  const books: { at: number; what: string }[] = []
  const done = new Map<string, unknown>()
  const once = <T>(key: string, what: string, answer: T): Promise<T> => {
    if (!done.has(key)) {
      done.set(key, answer)
      books.push({ at: now(), what })
    }
    return Promise.resolve(done.get(key) as T)
  }
  const undo = (key: string, what: string): Promise<void> => {
    if (done.has(key) && !done.has(`${key} undone`)) return once(`${key} undone`, what, undefined)
    return Promise.resolve()
  }
  const outside: Outside = {
    books,
    closed: false,
    services: {
      warehouse: {
        reserve(items, key) {
          const cents = items.reduce((sum, { sku, count }) => sum + count * (PRICES[sku] ?? 100), 0)
          return once(key, `reserved ${items.map(({ sku, count }) => `${count} ${sku}`).join(', ')}`, cents)
        },
        release: (key) => undo(key, 'released'),
        ship(_, key) {
          if (outside.closed) return Promise.reject(new Error('the warehouse is closed'))
          return once(key, 'shipped', `P-${books.length}`)
        },
      },
      payments: {
        charge({ token, cents, idempotencyKey }) {
          if (token === 'tok_empty') return Promise.resolve({ paid: false, reason: 'the card is empty' })
          return once(idempotencyKey, `charged ${cents} to ${token}`, { paid: true, receipt: `R-${books.length}` })
        },
        refund: (key) => undo(key, 'refunded'),
      },
      messages: {
        send: (to, text, key) => once(key, `told ${to}: ${text}`, undefined),
      },
    },
  }
  return outside
}
