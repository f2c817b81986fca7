/** The dashboard in a browser, over instances that nobody would wish for. */
import { builder, data, Polaris, workflow } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { needsBrowser, seriousFaults } from './browser.ts'
import type { Visit } from './browser.ts'
import { browsing } from './browsing.ts'

const SCRIPT = '<script>window.hit = 1</script><img src=x onerror="window.hit = 1">'
const TURNED = 'abc\u202egnp.exe\u202c \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627'
const UNSEEN = 'pay\u200bpal\u2060\ufeff\u0000\u001b[31m'
const LONG = 'x'.repeat(1_000_000)
const WIDE = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`key ${index}`, index]))

const Anything = data('Anything', z.any())
const Bad = data('Bad', z.any())
const Secret = data('Secret', z.object({ pin: z.string() }), { sensitive: true })
const Seen = data('Seen', z.object({ ok: z.boolean() }))

const look = builder({
  name: 'look',
  consumes: { anything: Anything },
  optionals: { bad: Bad, secret: Secret },
  produces: Seen,
  process({ bad }) {
    if (bad !== undefined) throw new Error(`${SCRIPT} ${TURNED} ${UNSEEN} ${'y'.repeat(5_000)}`)
    return { ok: true }
  },
})
const strange = workflow({ name: 'strange', builders: [look], target: Seen })

const Verdict = data('Verdict', z.object({ ok: z.boolean() }))
const judge = builder({ name: 'judge', consumes: { seen: Seen }, produces: Verdict, process: ({ seen }) => seen })
const newer = workflow({ name: 'strange', version: 2, builders: [look, judge], target: Verdict })

const numbered = (name: string) => data(name, z.object({ n: z.number() }))
const Start = numbered('Start')
const steps = Array.from({ length: 500 }, (_, index) => numbered(`Step${index}`))
const many = workflow({
  name: 'many',
  builders: steps.map((step, index) =>
    builder({
      name: `make${index}`,
      consumes: { before: index < 20 ? Start : (steps[index - 20 + (index % 3)] ?? Start) },
      produces: step,
      process: ({ before }) => ({ n: before.n + 1 }),
    }),
  ),
  target: steps[499] ?? Start,
})

let polaris: Polaris
let seen: Visit

const world = browsing(() => new Polaris({ store: memoryStore() }).register(strange).register(many))
beforeEach(() => {
  ;({ polaris, seen } = world)
})

const hit = (): Promise<unknown> => seen.page.evaluate('window.hit')
const widthOver = (): Promise<number> =>
  seen.page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')

describe('hostile data', () => {
  const VALUE = {
    script: SCRIPT,
    link: 'javascript:window.hit=1',
    turned: TURNED,
    unseen: UNSEEN,
    long: LONG,
    wide: WIDE,
    ['<b>key</b>\u202e']: 1,
    ['constructor']: { ['__proto__x']: null },
    unbroken: `${'z'.repeat(3_000)}`,
  }
  const ID = `<script>"'&#\u202e${'i'.repeat(300)}`

  beforeEach(async (context) => {
    needsBrowser(context)
    await polaris.executor().parallel(strange, ID, Anything(VALUE), Secret({ pin: 'hunter2-pin' }))
    await polaris
      .executor()
      .parallel(strange, ID, Bad(1))
      .catch(() => undefined)
  })

  it.each([
    ['timeline', '?'],
    ['builders', '?view=builders&node=b:look'],
    ['data', '?view=data&node=d:Anything'],
    ['history', '?view=history'],
    ['compare', '?view=compare&from=0'],
  ])('are shown as text and break nothing: %s', async (name, query) => {
    await seen.go(`/instances/${encodeURIComponent(ID)}${query}`)
    const { page } = seen
    await page.getByRole('status', { name: 'Status' }).getByText('Failed').waitFor()
    await page.getByRole('heading', { level: 1, name: /^<script>"'&#\\u202e/ }).waitFor()
    await seen.settle()
    await seen.picture(`hostile-${name}`)
    expect(await hit()).toBeUndefined()
    expect(await page.locator('main a[href^="javascript"], main img, main script, main b').count()).toBe(0)
    expect(await widthOver()).toBe(0)
    expect(await page.content()).not.toContain('hunter2-pin')
    // What turns text around or cannot be seen is written out.
    expect(await page.locator('main').innerText()).not.toMatch(/[\u202a-\u202e\u200b\u2060\ufeff]/)
    await page.setViewportSize({ width: 375, height: 812 })
    expect(await widthOver()).toBe(0)
  })

  it('can be read to the end, a part at a time', async () => {
    await seen.go(`/instances/${encodeURIComponent(ID)}?view=timeline&node=d:Anything`)
    const { page } = seen
    const about = page.getByRole('complementary', { name: 'About Anything' })
    await about.getByText('<script>window.hit = 1').waitFor()
    await about.getByText('javascript:window.hit=1').waitFor()
    await about.getByText('withheld', { exact: false }).waitFor({ state: 'detached' })
    await about.getByRole('button', { name: '… 999.8 k characters more' }).click()
    await about.getByRole('button', { name: '… 979.8 k characters more' }).waitFor()
    await about.getByRole('button', { name: /^Show 250 more of 9,976$/ }).click()
    await about.getByText('key 273', { exact: true }).waitFor()
    expect(await about.getByText('key 274', { exact: true }).count()).toBe(0)
  })

  it('is found in the list by its id', async () => {
    await seen.go('/instances')
    await seen.page.getByRole('link', { name: /^<script>/ }).click()
    await seen.page.getByRole('heading', { level: 1, name: /^<script>/ }).waitFor()
    expect(await hit()).toBeUndefined()
  })
})

describe('two versions', () => {
  it('are compared in colours and in words, and instances are moved from one to the other', async () => {
    await polaris.executor().parallel(strange, 'old', Secret({ pin: 'hunter2-pin' }))
    polaris.register(newer)
    await seen.go('/workflows/strange?version=2')
    const { page } = seen
    await page.getByLabel('Compare with').selectOption('1')
    await page.getByRole('button', { name: /^judge builder of Verdict New/ }).waitFor()
    await page.getByRole('button', { name: /^look builder of Seen The same/ }).waitFor()
    await page.getByText(/judge/).filter({ hasText: /new/ }).first().waitFor()
    await seen.picture('versions')
    await seen.go('/instances/old')
    await page.getByRole('button', { name: 'Upgrade' }).click()
    const dialog = page.getByRole('dialog', { name: 'Upgrade' })
    await dialog.getByText('Nothing runs because of it.').waitFor()
    await dialog.getByRole('button', { name: 'Move it to version 2' }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'strange v2' }).waitFor()
  })
})

describe('the policy of the pages', () => {
  it('lets nothing run that did not come with the dashboard', async () => {
    await seen.go('/instances')
    const { page } = seen
    await page.getByRole('heading', { name: 'Instances' }).waitFor()
    await page
      .evaluate(() => {
        const image = document.createElement('img')
        image.src = 'https://example.com/x.png'
        const style = document.createElement('style')
        style.textContent = 'body { color: red }'
        document.body.append(image, style)
        void fetch('https://example.com/').catch(() => undefined)
        document.body.insertAdjacentHTML('beforeend', '<b onclick="1">x</b>')
      })
      .catch(() => undefined)
    for (const directive of ['TrustedHTML', 'connect-src', 'img-src', 'style-src']) {
      await expect.poll(() => seen.complaints.join()).toContain(directive)
    }
    // They were asked for.
    seen.complaints.length = 0
  })
})

describe('a graph of 500 builders', () => {
  it('is drawn once; moving and scaling it draws nothing anew', { timeout: 120_000 }, async () => {
    await polaris.executor().parallel(many, 'm', Start({ n: 1 }))
    await seen.go('/instances/m')
    const { page } = seen
    await page.locator('.node').nth(500).waitFor()
    await seen.picture('many')
    const surface = page.locator('.graph')
    await page.evaluate(() => {
      const seenChanges = { count: 0 }
      Object.assign(window, { seenChanges })
      const stage = document.querySelector('.graph-stage') as HTMLElement
      new MutationObserver((records) => (seenChanges.count += records.length)).observe(stage, {
        ...{ subtree: true, childList: true, characterData: true, attributes: true },
      })
    })
    const transform = (): Promise<string> =>
      page.evaluate<string>('document.querySelector(".graph-stage").style.transform')
    const before = await transform()
    await surface.hover()
    await page.mouse.down()
    for (let i = 0; i < 10; i++) await page.mouse.move(600 + 20 * i, 500 + 5 * i)
    await page.mouse.up()
    expect(await transform()).not.toBe(before)
    // All that changed is the stage itself: where it is, and whether it is on the move.
    const changes = await page.evaluate<number>('window.seenChanges.count')
    expect(changes).toBeGreaterThan(0)
    expect(changes).toBeLessThan(30)
    await page.getByRole('button', { name: 'Zoom in' }).click()
    await page.getByRole('button', { name: 'Fit the whole graph' }).click()
    expect(await seriousFaults(page)).toEqual([])
  })
})
