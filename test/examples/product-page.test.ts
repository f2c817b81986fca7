import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Polaris } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import type { Shop } from '../../examples/product-page/shop.ts'
import { Page, PageRequest, productPage } from '../../examples/product-page/workflow.ts'

function run(...args: string[]) {
  const program = fileURLToPath(new URL('../../.build/examples/product-page/main.js', import.meta.url))
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' })
  return { status, stdout, stderr }
}

/** Every source answers only when told to, so that the test sees which were asked at the same time. */
function handedShop() {
  const open = new Map<string, (answer: never) => void>()
  const ask = (name: string) => () => new Promise<never>((resolve) => open.set(name, resolve))
  const shop: Shop = {
    product: ask('product'),
    price: ask('price'),
    stock: ask('stock'),
    reviews: ask('reviews'),
    recommendations: ask('recommendations'),
  }
  return { shop, open, answer: (name: string, value: unknown) => open.get(name)?.(value as never) }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('the product page', () => {
  it('asks all sources at once, but for the one that needs another', async () => {
    const { shop, open, answer } = handedShop()
    const polaris = new Polaris({ services: { shop } }).register(productPage)
    const page = polaris.executor().compute(productPage, PageRequest({ sku: 'lamp-7', country: 'de' }))
    await turn()
    expect([...open.keys()].sort()).toEqual(['price', 'product', 'reviews', 'stock'])
    answer('product', { name: 'Lamp', category: 'lamps' })
    await turn()
    expect(open.has('recommendations')).toBe(true)
    answer('price', { cents: 100, currency: 'EUR' })
    answer('stock', { left: 9 })
    answer('recommendations', { names: ['Shade'] })
    answer('reviews', { stars: 4, count: 2 })
    const result = await page
    expect(result.status).toBe('completed')
    expect(result.require(Page)).toEqual({
      title: 'Lamp',
      price: '1.00 EUR',
      availability: 'in stock',
      rating: '4 of 5 (2 reviews)',
      alsoLiked: ['Shade'],
    })
  })

  it('shows a page without stars when the reviews fail, and none when the price does', async () => {
    const working: Shop = {
      product: async () => ({ name: 'Lamp', category: 'lamps' }),
      price: async () => ({ cents: 100, currency: 'EUR' }),
      stock: async () => ({ left: 0 }),
      reviews: async () => {
        throw new Error('down')
      },
      recommendations: async () => ({ names: [] }),
    }
    const request = PageRequest({ sku: 'lamp-7', country: 'de' })
    const first = new Polaris({ services: { shop: working } }).register(productPage)
    expect((await first.executor().compute(productPage, request)).require(Page)).toMatchObject({
      rating: 'not rated',
      availability: 'sold out',
    })
    const failing = { ...working, price: working.reviews as never }
    const second = new Polaris({ services: { shop: failing } }).register(productPage)
    await expect(second.executor().compute(productPage, request)).rejects.toMatchObject({ builder: 'findPrice' })
  })

  it('is a program that prints the page and what each source took', () => {
    const { status, stdout, stderr } = run()
    expect(stderr).toBe('')
    expect(status).toBe(0)
    expect(stdout).toContain(`title: 'Reading lamp'`)
    for (const name of ['findProduct', 'findPrice', 'countStock', 'readReviews', 'recommend', 'composePage']) {
      expect(stdout).toMatch(new RegExp(`^${name} +\\d+ ms$`, 'm'))
    }
    const [oneByOne, inParallel] = [/one by one +(\d+)/, /in parallel +(\d+)/].map((line) =>
      Number(line.exec(stdout)?.[1]),
    )
    expect(inParallel).toBeLessThan(oneByOne ?? 0)
  })

  it('says what is wrong with a request, and what a page lacks', () => {
    expect(run('lamp-7', 'deu')).toMatchObject({ status: 1, stderr: expect.stringContaining('country') })
    expect(run('nope')).toMatchObject({ status: 1, stdout: expect.stringContaining('it lacks Product') })
  })
})
