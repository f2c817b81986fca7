import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newCliLab } from './lab.ts'
import type { CliLab } from './lab.ts'

const MODULE = `
import { builder, data, service, type, waitFor, workflow } from 'polaris-workflow'

const text = (name) => data(name, type())
export const Order = text('Order')
export const Card = data('Card', type(), { sensitive: true })
export const Sent = text('Sent')
export const Paid = text('Paid')
export const Done = text('Done')
const Bank = service()('bank')
const amount = (order) => {
  if (typeof order.amount === 'number') return order.amount
  throw new Error('no amount in ' + JSON.stringify(order))
}
const price = builder({ name: 'price', consumes: { order: Order }, produces: text('Price'), process: ({ order }) => amount(order) })
const pay = builder({
  name: 'pay', consumes: { price: price.produces, card: Card }, services: { bank: Bank }, produces: Paid,
  process: ({ price, card }, { services }) => services.bank(price, card) ?? waitFor(Card, 'declined'),
})
const close = builder({ name: 'close', consumes: { paid: Paid, sent: Sent }, produces: Done, process: ({ paid }) => paid })
export const orders = workflow({ name: 'orders', builders: [price, pay, close], target: Done })
export const services = () => ({ bank: (price, card) => (card === 'bad' ? undefined : { cents: price, card: undefined }) })
`

let lab: CliLab

/** A run on the lab's module and store. */
const polaris = (...args: string[]) => lab.run(...args, '--module', 'orders.ts', '--store', 'orders.db')

beforeAll(async () => {
  lab = newCliLab()
  lab.file('orders.ts', MODULE)
  lab.file('orders.db', '')
  await polaris('feed', 'order-1', `Order={"amount":12}`)
})
afterAll(() => lab.remove())

describe('polaris feed', () => {
  it('begins an instance and says what was made of the data, and what is missing', async () => {
    const { code, out, err } = await polaris('feed', 'order-2', '{"Order": {"amount": 30}}')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toBe('order-2  orders 1  waiting for Card, Sent\n  Price  30\n')
  })

  it('takes several data, from arguments, a file and the standard input, and puts them together', async () => {
    lab.file('sent.json', '{"Sent": "yes"}')
    const input = () => Promise.resolve('{"Order": {"amount": 5}}')
    const place = ['--module', 'orders.ts', '--store', 'orders.db', '--json']
    const first = await lab.runWith({ input }, 'feed', 'order-3', 'Card="good"', '--file', '-', ...place)
    expect(JSON.parse(first.out)).toMatchObject({ status: 'waiting', waitingFor: ['Sent'], produced: { Price: 5 } })
    const second = await lab.run('feed', 'order-3', '--file', 'sent.json', ...place)
    expect(JSON.parse(second.out)).toMatchObject({ status: 'completed', target: { cents: 5 }, produced: { Done: {} } })
  })

  it('counts a request once, and refuses another under its name', async () => {
    const once = ['feed', 'order-4', 'Order={"amount":1}', '--request-id', 'r1']
    expect((await polaris(...once)).code).toBe(0)
    expect((await polaris(...once)).code).toBe(0)
    expect((await polaris('history', 'order-4', '--json')).out.match(/"fed"/g)).toHaveLength(1)
    const other = await polaris('feed', 'order-4', 'Order={"amount":2}', '--request-id', 'r1')
    expect(other).toMatchObject({ code: 2, err: expect.stringContaining('REQUEST_CONFLICT') })
  })

  it('only stores what is submitted', async () => {
    const { out } = await polaris('feed', 'order-5', 'Order={"amount":1}', '--submit')
    expect(out).toBe('order-5: stored; a worker goes on with it.\n')
    expect((await polaris('history', 'order-5')).out).not.toContain('price')
  })

  it('ends with 1 where a builder failed: what was fed is kept', async () => {
    const { code, err } = await polaris('feed', 'order-6', 'Order={"sum":1}')
    expect(code).toBe(1)
    expect(err).toContain(`Builder 'price' threw: no amount in {"sum":1}. What was fed is kept`)
    expect(err).toContain('polaris resume order-6 goes on from there.')
    expect((await polaris('get', 'order-6')).out).toContain('price failed: no amount')
  })

  it.each<[string, string[], string]>([
    ['nothing', [], 'Feed what? Such as: polaris feed x RideEnded='],
    ['no JSON', ['Order={"amount": twelve}'], 'The value of Order is not JSON: line 1, column 12, where "t" stands.'],
    ['JSON that breaks off', ['{"Order":\n {"a": 1}'], 'What is fed is not JSON: line 2, column 10, where it ends.'],
    ['a bare text', ['Card=good'], `line 1, column 1, where "g" stands. A text needs quotes, also within those`],
    ['a list', ['[1]'], 'What is fed must be an object of data by their names'],
    ['a datum twice', ['Order=1', '{"Order": 2}'], 'Order is given twice.'],
    ['a misspelt datum', ['Odrer=1'], 'Did you mean Order?'],
    ['a product', ['Price=1'], "DATA_NOT_FEEDABLE: 'Price' cannot be fed: the builder 'price' makes it."],
    ['a misspelt workflow', ['Order=1', '--workflow', 'order'], 'Those that exist: orders. Did you mean orders?'],
    ['a file that is not there', ['--file', 'no.json'], 'no.json cannot be read'],
    ['an instance that is not there', ['Order=1', '--expect', 'existing'], 'INSTANCE_NOT_FOUND'],
  ])('ends with 2 and says what to do with %s', async (_, words, says) => {
    const { code, err } = await polaris('feed', 'x', ...words)
    expect(err).toContain(says)
    expect(code).toBe(2)
    expect((await polaris('list')).out).not.toContain('\nx ')
  })

  it('says which services a module would have to export', async () => {
    lab.file('bare.ts', MODULE.replace('export const services', 'export const others'))
    const { code, err } = await lab.run('feed', 'x', 'Order=1', '--module', 'bare.ts', '--store', 'orders.db')
    expect(code).toBe(2)
    expect(err).toContain('Builders of bare.ts ask for services that it does not export: bank.')
    const looks = await lab.run('get', 'order-1', '--module', 'bare.ts', '--store', 'orders.db')
    expect(looks.code).toBe(0)
  })
})

describe('polaris list, get, explain, history', () => {
  it('shows instances, by what is asked for', async () => {
    const all = JSON.parse((await polaris('list', '--json')).out) as { instances: { id: string }[] }
    expect(all.instances.map(({ id }) => id).slice(0, 2)).toEqual(['order-1', 'order-2'])
    expect((await polaris('list', '--status', 'completed')).out).toMatch(
      /^id .*\norder-3 +orders 1 +completed +2 .*\n$/,
    )
    expect((await polaris('list', '--limit', '1')).out).toContain('There are more: raise --limit')
    expect((await polaris('list', '--workflow', 'none')).out).toBe('There is no such instance.\n')
    expect((await polaris('list', '--status', 'lost')).err).toContain('status must be one or several of running,')
  })

  it('never shows what is sensitive, nor what a builder said that has to do with it', async () => {
    await polaris('feed', 'order-7', 'Order={"amount":1}', 'Card="bad"')
    for (const command of ['get', 'explain', 'history', 'watch', 'graph']) {
      const ids = command === 'graph' ? ['--id', 'order-7'] : ['order-7']
      for (const json of [[], ['--json']]) {
        const stop = { signal: AbortSignal.timeout(command === 'watch' ? 500 : 60_000) }
        const place = ['--module', 'orders.ts', '--store', 'orders.db', ...json]
        const { code, out } = await lab.runWith(stop, command, ...ids, ...place)
        expect(code).toBe(0)
        expect(out, command).toMatch(/order-7|orders|price/)
        expect(out).not.toMatch(/"?\bbad\b|declined/)
      }
    }
    expect((await polaris('get', 'order-7')).out).toContain('  Card   (sensitive)\n')
  })

  it('says what an instance waits for, and from whom the rest would come', async () => {
    const { out } = await polaris('explain', 'order-1')
    expect(out).toContain('target Done is not there; it lacks Card, Sent')
    expect(out).toMatch(/✔ price +done\n +· pay +lacks Card\n +Card is to be fed\n +· close +lacks Paid, Sent/)
  })

  it('tells who made what from what', async () => {
    const { out } = await polaris('history', 'order-1')
    expect(out).toMatch(
      /1 +1 +\S+ \S+ +fed Order +\{ "amount": 12 \}\n2 +1 +\S+ \S+ +price → Price +\d+ ms +Order#1 +12/,
    )
    expect((await polaris('history', 'order-1', '--limit', '1')).out).toContain('There is more: --after 1')
    expect((await polaris('history', 'order-1', '--after', '1')).out).not.toContain('fed Order')
  })

  it('says which instance may have been meant', async () => {
    for (const command of ['get', 'explain', 'history']) {
      const { code, err } = await polaris(command, 'order_1')
      expect({ code, err }).toEqual({
        code: 2,
        err: "INSTANCE_NOT_FOUND: There is no instance 'order_1'.\npolaris list shows those that exist. Did you mean order-1?\n",
      })
    }
    const { err } = await polaris('get', 'order_1', '--json')
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'INSTANCE_NOT_FOUND', status: 404 } })
  })

  it('needs no module to list, and says what it is good for elsewhere', async () => {
    expect((await lab.run('list', '--store', 'orders.db')).code).toBe(0)
    const { err } = await lab.run('get', 'order-1', '--store', 'orders.db')
    expect(err).toContain('No workflow is known: name the module that exports them by --module.')
  })
})

describe('polaris graph', () => {
  const drawing = `orders 1  3 builders, target Done

╭────── Order  is fed
╰─┬───▶ price  → Price
╭─│──── Card   is fed
╰─┴─┬─▶ pay    → Paid
╭───│── Sent   is fed
╰───┴─▶ close  → Done ◎
`
  it('draws data as lanes from who makes them to who reads them', async () => {
    expect((await polaris('graph')).out).toBe(drawing)
    expect((await polaris('graph', 'orders', '--out', 'graph.txt')).out).toBe('')
  })

  it('draws how an instance stands', async () => {
    const { out } = await polaris('graph', '--id', 'order-1')
    expect(out).toMatch(/● Order +fed at .*\n.*✔ price +→ Price .*\n.*○ Card +waited for\n.*· pay +lacks Card\n/)
  })

  it('needs no store for a graph alone: that of the example is as it was', async () => {
    const example = fileURLToPath(new URL('../../examples/cab-ride/polaris.ts', import.meta.url))
    const { code, out } = await lab.run('graph', '--module', example)
    expect(code).toBe(0)
    expect(out).toContain('│ ╭─│─────────│── OtherCard           is fed\n├─┴─┴─┬───────│─▶ takePayment ')
    expect(out.split('\n').every((each) => each.length <= 80)).toBe(true)
  })

  it('gives Mermaid, DOT and JSON', async () => {
    expect((await polaris('graph', '--format', 'mermaid')).out).toMatch(/^flowchart TD\n/)
    expect((await polaris('graph', '--format', 'dot')).out).toMatch(/^digraph "orders" \{\n/)
    expect(JSON.parse((await polaris('graph', '--json')).out)).toMatchObject({ workflow: 'orders', targets: ['Done'] })
    const { code, err } = await polaris('graph', 'ordrs')
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining('Did you mean orders?') })
  })
})

describe('polaris watch', () => {
  it('writes a line for each thing that happens where there is no terminal, until the instance ends', async () => {
    const { code, out } = await polaris('watch', 'order-3')
    expect(code).toBe(0)
    const lines = out.trimEnd().split('\n')
    expect(lines.map((each) => each.slice(10).replace(/ +\d+ ms$/, ''))).toEqual([
      ...['fed Order', 'fed Card', 'price → Price', 'pay → Paid', 'fed Sent', 'close → Done'],
      'order-3  orders 1  completed',
    ])
  })

  it('looks on while an instance begins and moves, and draws its graph in a terminal', async () => {
    let screen = ''
    const terminal = { columns: () => 80, rows: () => 24 }
    const out = (text: string) => void (screen += text)
    const place = ['--module', 'orders.ts', '--store', 'orders.db']
    const watching = lab.runWith({ terminal, out }, 'watch', 'order-8', ...place)
    await polaris('feed', 'order-8', 'Order={"amount":1}', 'Card="good"')
    await polaris('feed', 'order-8', 'Sent="yes"')
    expect(await watching).toMatchObject({ code: 0, err: '' })
    expect(screen).toContain('There is no such instance yet; this waits until it begins.')
    const last = screen.slice(screen.lastIndexOf('order-8  orders 1'))
    expect(last).toMatch(/completed[\s\S]*✔ price +→ Price[\s\S]*✔ close +→ Done[\s\S]*timeline[\s\S]*pay → Paid/)
  })
})

describe('where a command acts', () => {
  it('says how to name a place where there is none', async () => {
    const { code, err } = await lab.run('list')
    expect(code).toBe(2)
    expect(err).toMatch(
      /^Where are the instances\?.*\n +polaris dev <module>[\s\S]*--store[\s\S]*--url[\s\S]*package\.json/,
    )
  })

  it('takes it from the environment, or from package.json, also of a folder above', async () => {
    const env = { POLARIS_STORE: 'orders.db', POLARIS_MODULE: 'orders.ts' }
    expect((await lab.runWith({ env }, 'get', 'order-1')).code).toBe(0)
    lab.file('package.json', '{"polaris": {"module": "orders.ts", "store": "orders.db"}}')
    mkdirSync(`${lab.folder}/below`)
    expect((await lab.runWith({ cwd: `${lab.folder}/below` }, 'get', 'order-1')).code).toBe(0)
    lab.file('package.json', '{"polaris": {"modul": "orders.ts"}}')
    expect((await lab.run('get', 'order-1')).err).toContain('takes "module" and "store", both texts; not "modul"')
    lab.file('package.json', '{}')
  })

  it('says that a service does not answer, or will have a token', async () => {
    const { code, err } = await lab.run('list', '--url', 'http://127.0.0.1:9')
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining('http://127.0.0.1:9 does not answer') })
    expect((await lab.run('list', '--url', 'localhost')).err).toContain('--url takes the address of a service')
  })
})
