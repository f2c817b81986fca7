// node .build/examples/product-page/main.js [sku] [country]
import { isPolarisError, Polaris } from 'polaris-workflow'
import { slowShop } from './shop.ts'
import { Page, PageRequest, productPage } from './workflow.ts'

const [sku = 'lamp-7', country = 'de'] = process.argv.slice(2)

const begun = new Map<string, number>()
const took = new Map<string, number>()
const polaris = new Polaris({ services: { shop: slowShop() } }).register(productPage)
const executor = polaris.executor({
  before: ({ name }) => begun.set(name, performance.now()),
  after: ({ name }) => took.set(name, performance.now() - (begun.get(name) ?? 0)),
})

const start = performance.now()
try {
  const result = await executor.compute(productPage, PageRequest({ sku, country, visitor: 'ada' }))
  const total = performance.now() - start
  console.log(result.get(Page) ?? `There is no such page: it lacks ${result.waitingFor.join(', ')}.`)
  for (const [name, ms] of took) console.log(`${name.padEnd(12)} ${ms.toFixed(0).padStart(4)} ms`)
  const sum = [...took.values()].reduce((a, b) => a + b, 0)
  console.log(`one by one   ${sum.toFixed(0).padStart(4)} ms\nin parallel  ${total.toFixed(0).padStart(4)} ms`)
  if (result.status !== 'completed') process.exitCode = 1
} catch (error) {
  if (!isPolarisError(error, 'DATA_INVALID')) throw error
  console.error(error.message)
  process.exitCode = 1
}
