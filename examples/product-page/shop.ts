import { setTimeout as sleep } from 'node:timers/promises'

/** The services behind a product's page. Each gives up when the signal says that nobody waits any more. */
export interface Shop {
  product(sku: string, signal: AbortSignal): Promise<{ name: string; category: string } | undefined>
  price(sku: string, country: string, signal: AbortSignal): Promise<{ cents: number; currency: string }>
  stock(sku: string, country: string, signal: AbortSignal): Promise<{ left: number }>
  reviews(sku: string, signal: AbortSignal): Promise<{ stars: number; count: number }>
  recommendations(category: string, visitor: string | undefined, signal: AbortSignal): Promise<{ names: string[] }>
}

/** A stand-in that answers as slowly as real ones do. */
export function slowShop(): Shop {
  const after = async <T>(ms: number, signal: AbortSignal, answer: T) => {
    await sleep(ms, undefined, { signal })
    return answer
  }
  return {
    product: (sku, signal) =>
      after(60, signal, sku === 'lamp-7' ? { name: 'Reading lamp', category: 'lamps' } : undefined),
    price: (_sku, country, signal) =>
      after(120, signal, country === 'CH' ? { cents: 5490, currency: 'CHF' } : { cents: 4990, currency: 'EUR' }),
    stock: (_sku, _country, signal) => after(90, signal, { left: 3 }),
    reviews: (_sku, signal) => after(150, signal, { stars: 4.6, count: 212 }),
    recommendations: (_category, visitor, signal) =>
      after(80, signal, { names: visitor === undefined ? ['Desk lamp'] : ['Desk lamp', 'Bookend'] }),
  }
}
