/** The dashboard in a browser, over the cab-ride service. */
import type { Browser, Locator } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { launch, needsBrowser, newTown, RIDE, rideThrough, seriousFaults, visit } from './browser.ts'
import type { Town, Visit } from './browser.ts'

/** For tests that go through all pages. */
const LONG_MS = 120_000

let browser: Browser | undefined
let town: Town
let seen: Visit

beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser?.close())
beforeEach(async (context) => {
  needsBrowser(context)
  town = await newTown()
  seen = await visit(browser as Browser, town)
})
afterEach(async () => {
  if (browser === undefined) return
  // Nothing that the policy of the pages refused, and no error that nobody caught.
  expect(seen.complaints).toEqual([])
  await seen.page.context().close()
  await town.close()
})

const node = (name: RegExp | string): Locator => seen.page.getByRole('button', { name })
const status = (text: string): Promise<void> =>
  seen.page.getByRole('status', { name: 'Status' }).getByText(text, { exact: true }).waitFor()
const press = (name: string): Promise<void> => seen.page.getByRole('button', { name, exact: true }).click()

describe('an instance', () => {
  it('is drawn as it stands, and moves while one looks on', async () => {
    await town.post('/rides/r/RideRequest', RIDE)
    await seen.go('/instances/r')
    await node(/^matchCabbie builder of CabbieMatch Done/).waitFor()
    await node('recordTrip builder of Trip Lacks data').waitFor()
    await seen.page.getByText('Live', { exact: true }).waitFor()
    const before = await node(/^recordTrip/).boundingBox()
    await rideThrough(town, 'r')
    await node(/^recordTrip builder of Trip Done/).waitFor()
    await node(/^closeRide .*Done.* target$/).waitFor()
    await status('Completed')
    expect(await node(/^recordTrip builder/).boundingBox()).toEqual(before)
    await seen.picture('instance-completed')
  })

  it('shows the builder that is at work', async () => {
    await town.close()
    let arrive: () => void = () => undefined
    const arrived = new Promise<void>((resolve) => (arrive = resolve))
    const messages = { send: () => arrived }
    town = await newTown({ services: { messages } })
    await seen.page.context().close()
    seen = await visit(browser as Browser, town)
    const fed = town.post('/rides/r/RideRequest', RIDE)
    await seen.go('/instances/r')
    await node('tellRider builder of RiderMessage Running').waitFor()
    await status('Running')
    await seen.picture('instance-running')
    arrive()
    await fed
    await status('Waiting')
  })

  it('is fed by a form; what the schema says stands at the field', async () => {
    await rideThrough(town, 'r', { ...RIDE, card: 'tok_declined' })
    await seen.go('/instances/r')
    const { page } = seen
    await page.getByText('takePayment: the card tok_declined was declined: insufficient funds').waitFor()
    const card = page.getByRole('textbox', { name: 'card' })
    await card.fill('visa')
    await press('Feed')
    await expect.poll(() => card.getAttribute('aria-invalid')).toBe('true')
    expect(await card.getAttribute('aria-describedby')).toContain('problem')
    await page.getByText('expected a card token such as "tok_visa"').waitFor()
    expect(await page.evaluate('document.activeElement.id')).toBe(await card.getAttribute('id'))
    await seen.picture('instance-refused')
    await card.fill('tok_mastercard')
    await press('Feed')
    await status('Completed')
  })

  it('is fed as JSON too, and what is no JSON stays to be mended', async () => {
    await town.post('/rides/r/RideRequest', RIDE)
    await seen.go('/instances/r?node=d:PickupArrival')
    await press('As JSON')
    const text = seen.page.getByRole('textbox', { name: 'As JSON' })
    await text.fill('{ "odometerKm": ')
    await press('Feed')
    await seen.page.getByText(/^This is not JSON/).waitFor()
    await text.fill('{ "odometerKm": 48210.5 }')
    await press('Feed')
    await node('PickupArrival data, fed from outside There').waitFor()
  })

  it('shows a builder that failed, and what a rerun would run before it does', async () => {
    expect(await rideThrough(town, 'r', { ...RIDE, card: 'tok_flaky' })).toBe(502)
    await seen.go('/instances/r')
    await status('Failed')
    const { page } = seen
    await page.getByText('the payment provider did not answer').first().waitFor()
    await node(/^takePayment builder of Payment Failed/).click()
    await page.getByText('ProviderError').waitFor()
    await seen.picture('instance-failed')
    await press('Rerun')
    const dialog = page.getByRole('dialog', { name: 'Rerun takePayment' })
    await dialog.getByText('closeRide').waitFor()
    await dialog.getByText(/once only/).waitFor()
    await seen.picture('rerun-dialog')
    await dialog.getByRole('button', { name: 'Rerun' }).click()
    await dialog.waitFor({ state: 'detached' })
    // The provider stumbles over every key it has not seen before.
    await page.getByRole('list').filter({ hasText: 'failed' }).getByRole('listitem').nth(1).waitFor()
    await press('Resume')
    await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click()
    await status('Completed')
  })

  it('is resumed, restarted and cancelled, each after it was said what that means', async () => {
    await rideThrough(town, 'r', { ...RIDE, card: 'tok_flaky' })
    await seen.go('/instances/r')
    const { page } = seen
    for (const [name, verb, after] of [
      ['Resume', 'Resume', 'Completed'],
      // With new keys, so the provider stumbles again.
      ['Restart', 'Restart', 'Failed'],
      ['Cancel', 'Cancel the instance', 'Cancelled'],
    ] as const) {
      await press(name)
      const dialog = page.getByRole('dialog')
      if (name === 'Restart') await dialog.getByText('planRoute').waitFor()
      if (name === 'Resume') await dialog.getByText('takePayment').first().waitFor()
      await dialog.getByRole('button', { name: verb, exact: true }).click()
      await dialog.waitFor({ state: 'detached' })
      await status(after)
    }
    await page.getByText('It takes no data any more.').waitFor()
  })

  it('is compared with what it was, and forked from there', async () => {
    await rideThrough(town, 'r')
    await town.post('/rides/r/Rating', { stars: 5 })
    await seen.go('/instances/r?view=compare')
    const { page } = seen
    await page.getByRole('row', { name: 'stars not there 5' }).waitFor()
    await page.getByRole('combobox', { name: 'From' }).selectOption('0')
    await page.getByRole('heading', { name: 'CabbieMatch Added' }).waitFor()
    await seen.picture('compare')
    await page.getByRole('tab', { name: 'Timeline' }).click()
    await page.getByText('Scope 5').waitFor()
    await press('Fork')
    const dialog = page.getByRole('dialog', { name: 'Fork' })
    await dialog.getByRole('textbox', { name: 'Id of the copy' }).fill('r/2')
    await dialog.getByRole('combobox').selectOption('1')
    await dialog.getByRole('button', { name: 'Fork' }).click()
    await page.getByRole('heading', { name: 'r/2', level: 1 }).waitFor()
    await node('PickupArrival data, fed from outside Waited for').waitFor()
  })

  it('shows where a datum comes from and what follows from it', async () => {
    await rideThrough(town, 'r')
    await seen.go('/instances/r')
    await node(/^quoteFare builder/).click()
    const classes = (name: RegExp): Promise<string | null> => node(name).getAttribute('class')
    await expect.poll(() => classes(/^planRoute builder/)).toContain('lit-from')
    expect(await classes(/^takePayment builder/)).toContain('lit-into')
    expect(await classes(/^matchCabbie builder/)).not.toContain('lit')
  })
})

describe('places', () => {
  it('have links that lead there, and going back leads back', async () => {
    await rideThrough(town, 'ride-done')
    await town.post('/rides/ride-new/RideRequest', RIDE)
    await seen.go('/instances?status=waiting')
    const { page } = seen
    await page.getByRole('link', { name: 'ride-new' }).waitFor()
    expect(await page.getByRole('link', { name: 'ride-done' }).count()).toBe(0)
    await page.getByRole('button', { name: 'Completed' }).click()
    await page.getByRole('link', { name: 'ride-done' }).click()
    await page.getByRole('heading', { name: 'ride-done' }).waitFor()
    await page.getByRole('tab', { name: 'History' }).click()
    expect(page.url()).toContain('/instances/ride-done?view=history')
    await page.reload()
    await page.getByRole('cell', { name: 'fed RideRequest' }).waitFor()
    await page.goBack()
    await page.getByRole('tab', { name: 'Timeline', selected: true }).waitFor()
    await page.goBack()
    await page.getByRole('link', { name: 'ride-done' }).waitFor()
    expect(page.url()).toContain('status=waiting%2Ccompleted')
    await page.goBack()
    await page.getByRole('link', { name: 'ride-done' }).waitFor({ state: 'detached' })
  })

  it('that are not there say so', async () => {
    await seen.go('/instances/nobody')
    await seen.page.getByText("There is no instance 'nobody'.").waitFor()
    await seen.go('/workflows/nothing')
    await seen.page.getByText("There is no workflow 'nothing' here").waitFor()
    await seen.go('/instances')
    await seen.page.getByText('There are no instances yet').waitFor()
  })

  it('can be reached with the keyboard alone', async () => {
    await town.post('/rides/r/RideRequest', RIDE)
    await seen.go('/')
    const { page } = seen
    // Keys mean something as soon as the page is there, and not before.
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('r')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'r', exact: true, level: 1 }).waitFor()
    await page.getByRole('button', { name: 'Cancel' }).focus()
    await page.keyboard.press('Tab')
    for (let i = 0; i < 8 && !(await focusedId()).startsWith('node-'); i++) await page.keyboard.press('Tab')
    expect(await focusedId()).toMatch(/^node-/)
    for (let i = 0; i < 12 && (await focusedId()) !== 'node-b:closeRide'; i++) await page.keyboard.press('ArrowRight')
    expect(await focusedId()).toBe('node-b:closeRide')
    await page.keyboard.press('Enter')
    await page.getByRole('complementary', { name: 'About closeRide' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('complementary', { name: 'What it waits for' }).waitFor()
    const field = page.getByRole('textbox', { name: 'odometerKm' })
    for (let i = 0; i < 12 && !(await field.evaluate((element) => element === document.activeElement)); i++) {
      await page.keyboard.press('Tab')
    }
    await page.keyboard.type('100')
    await page.keyboard.press('Enter')
    await node('PickupArrival data, fed from outside There').waitFor()
  })

  const focusedId = (): Promise<string> => seen.page.evaluate('document.activeElement.id')

  it('fit on a phone, in light and in dark', { timeout: LONG_MS }, async () => {
    await rideThrough(town, 'r', { ...RIDE, card: 'tok_declined' })
    const { page } = seen
    await page.setViewportSize({ width: 375, height: 812 })
    for (const [name, path] of PAGES) {
      for (const colorScheme of DARK_TOO.has(name) ? (['light', 'dark'] as const) : (['light'] as const)) {
        await page.emulateMedia({ colorScheme })
        await seen.go(path)
        await page.locator('h1').waitFor()
        await seen.settle()
        expect(await page.evaluate('document.documentElement.scrollWidth'), name).toBeLessThanOrEqual(375)
        await seen.picture(`phone-${name}-${colorScheme}`)
      }
    }
    const background = await page.evaluate('getComputedStyle(document.documentElement).backgroundColor')
    expect(background).toBe('rgb(13, 16, 21)')
  })

  it('have nothing serious for an accessibility checker to find', { timeout: LONG_MS }, async () => {
    await rideThrough(town, 'r', { ...RIDE, card: 'tok_flaky' })
    for (const [name, path] of PAGES) {
      // Parts are of the same colours everywhere.
      for (const colorScheme of DARK_TOO.has(name) ? (['light', 'dark'] as const) : (['light'] as const)) {
        await seen.page.emulateMedia({ colorScheme })
        await seen.go(path)
        await seen.page.locator('h1').waitFor()
        await seen.settle()
        expect(await seriousFaults(seen.page), `${path}, ${colorScheme}`).toEqual([])
      }
    }
  })
})

const DARK_TOO: ReadonlySet<string> = new Set(['overview', 'instance', 'workflow'])
const PAGES = [
  ['overview', '/'],
  ['list', '/instances'],
  ['instance', '/instances/r?node=b:takePayment'],
  ['builders', '/instances/r?view=builders'],
  ['data', '/instances/r?view=data'],
  ['history', '/instances/r?view=history'],
  ['compare', '/instances/r?view=compare'],
  ['workflow', '/workflows/cabRide?show=standing'],
] as const

describe('figures', () => {
  it('of all workflows lead to the instances that they count', async () => {
    await rideThrough(town, 'paid')
    expect(await rideThrough(town, 'stuck', { ...RIDE, card: 'tok_flaky' })).toBe(502)
    await seen.go('/')
    const { page } = seen
    await page.getByRole('link', { name: /^Failed 1 / }).waitFor()
    await page.getByRole('region', { name: 'Instances in trouble' }).getByRole('link', { name: 'stuck' }).waitFor()
    await seen.picture('overview')
    await page.getByRole('row', { name: /^v1/ }).getByRole('link', { name: '1 Completed' }).click()
    await page.getByRole('link', { name: 'paid' }).waitFor()
    expect(await page.getByRole('link', { name: 'stuck' }).count()).toBe(0)
  })

  it('of a list come by what instances wait for, and by how their ids begin', async () => {
    await town.post('/rides/north-1/RideRequest', RIDE)
    await town.post('/rides/south-1/RideRequest', RIDE)
    await rideThrough(town, 'north-2', { ...RIDE, card: 'tok_declined' })
    await seen.go('/instances')
    const { page } = seen
    await page.getByRole('row', { name: /^north-2 Waiting .*OtherCard/ }).waitFor()
    await page.getByLabel('Waits for').fill('PickupArrival')
    await page.getByRole('link', { name: 'north-2' }).waitFor({ state: 'detached' })
    await page.getByLabel('Id begins with').fill('north')
    await page.getByRole('link', { name: 'south-1' }).waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'north-1' }).waitFor()
    expect(page.url()).toContain('idPrefix=north')
  })

  it('of a workflow show where its instances stand, and who fails', async () => {
    await rideThrough(town, 'stuck', { ...RIDE, card: 'tok_flaky' })
    await town.post('/rides/new/RideRequest', RIDE)
    await seen.go('/workflows/cabRide')
    const { page } = seen
    await page.getByRole('button', { name: 'Where instances stand' }).click()
    await node(/^takePayment builder of Payment 1 instance here/).click()
    await page.getByRole('complementary', { name: 'About takePayment' }).getByText('Runs once only').waitFor()
    await page.getByRole('button', { name: 'Failures' }).click()
    await page.getByRole('row').nth(1).getByRole('button', { name: 'takePayment' }).waitFor()
    await seen.picture('standing')
  })
})

describe('the service', () => {
  it('may go and come back', async () => {
    await town.post('/rides/r/RideRequest', RIDE)
    await seen.go('/instances/r')
    await seen.page.getByText('Live', { exact: true }).waitFor()
    await node(/^matchCabbie .*Done/).waitFor()
    await town.stop()
    await seen.page.getByText(/^The service cannot be reached/).waitFor()
    // What was known is still there.
    await node(/^matchCabbie .*Done/).waitFor()
    await seen.picture('service-gone')
    await town.start()
    await seen.page.getByText(/^The service cannot be reached/).waitFor({ state: 'detached' })
    await seen.page.getByText('Live', { exact: true }).waitFor()
    await town.post('/rides/r/PickupArrival', { odometerKm: 100 })
    await node('PickupArrival data, fed from outside There').waitFor()
  })

  it('asks for its token, and keeps it out of the address bar', async () => {
    const { page } = seen
    expect(page.url()).not.toContain('token')
    await page.context().clearCookies()
    await seen.go('/instances?status=failed')
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await seen.picture('sign-in')
    await page.getByLabel('Token').fill('wrong-token-of-some-length')
    await press('Sign in')
    await page.getByText('This is not the token of the service.').waitFor()
    await page.getByLabel('Token').fill(town.token)
    await press('Sign in')
    await page.getByRole('heading', { name: 'Instances' }).waitFor()
    expect(page.url()).toContain('status=failed')
  })
})
