/** The dashboard in a browser, over the cab-ride service. */
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { launch, needsBrowser, newTown, RIDE, rideThrough, visit } from './browser.ts'
import type { Town, Visit } from './browser.ts'

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
  expect(seen.complaints).toEqual([])
  await seen.page.context().close()
  await town.close()
})

describe('an instance', () => {
  it('is drawn as it stands, and moves while one looks on', async () => {
    await town.post('/rides/r/RideRequest', RIDE)
    await seen.go('/instances/r')
    const { page } = seen
    await page.getByRole('button', { name: /^matchCabbie, builder of CabbieMatch, Done/ }).waitFor()
    await page.getByText('Live', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'recordTrip, builder of Trip, Lacks data' }).waitFor()
    await rideThrough(town, 'r')
    await page.getByRole('button', { name: /^recordTrip, builder of Trip, Done/ }).waitFor()
    await page.getByRole('button', { name: /^closeRide, .*Done.* target$/ }).waitFor()
    await page.getByRole('status', { name: 'Status' }).getByText('Completed').waitFor()
    await seen.picture('instance-completed')
  })

  it('is fed by a form; what the schema says stands at the field', async () => {
    await rideThrough(town, 'r', { ...RIDE, card: 'tok_declined' })
    await seen.go('/instances/r')
    const { page } = seen
    await page.getByText('takePayment: the card tok_declined was declined: insufficient funds').waitFor()
    const card = page.getByRole('textbox', { name: 'card' })
    await card.fill('visa')
    await page.getByRole('button', { name: 'Feed', exact: true }).click()
    await expect.poll(() => card.getAttribute('aria-invalid')).toBe('true')
    const said = await card.getAttribute('aria-describedby')
    expect(said).toContain('problem')
    await page.getByText('expected a card token such as "tok_visa"').waitFor()
    await seen.picture('instance-refused')
    await card.fill('tok_mastercard')
    await page.getByRole('button', { name: 'Feed', exact: true }).click()
    await page.getByRole('status', { name: 'Status' }).getByText('Completed').waitFor()
  })
})
