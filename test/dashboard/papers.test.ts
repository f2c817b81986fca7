/** The dashboard in a browser, over papers: instances that begin there, and reviews that are given for a draft. */
import { builder, data, Polaris, workflow } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { seriousFaults } from './browser.ts'
import type { Visit } from './browser.ts'
import { browsing } from './browsing.ts'

const Draft = data('Draft', z.object({ text: z.string().min(3) }))
const Review = data('Review', z.object({ by: z.string() }), { about: Draft })
const Published = data('Published', z.string())
const publish = builder({
  ...{ name: 'publish', consumes: { draft: Draft, review: Review }, produces: Published },
  process: ({ draft, review }) => `${draft.text} (${review.by})`,
})
const paper = workflow({ name: 'paper', builders: [publish], target: Published })

let polaris: Polaris
let seen: Visit

const world = browsing(() => new Polaris({ store: memoryStore() }).register(paper))
beforeEach(() => {
  ;({ polaris, seen } = world)
})

describe('an instance', () => {
  it('begins on the page of its workflow, with what is chosen; what is wrong stands at its field', async () => {
    const { page } = seen
    await seen.go('/workflows/paper')
    await page.getByRole('button', { name: 'New instance' }).click()
    const dialog = page.getByRole('dialog', { name: 'New instance' })
    expect(await seriousFaults(page)).toEqual([])
    await dialog.getByLabel('Id').fill('p-1')
    const text = dialog.getByRole('textbox', { name: 'text' })
    await text.fill('no')
    await dialog.getByRole('button', { name: 'Begin' }).click()
    await expect.poll(() => text.getAttribute('aria-invalid')).toBe('true')
    expect(await polaris.summary('p-1')).toBeUndefined()
    await text.fill('Short')
    await seen.picture('new-instance')
    await dialog.getByRole('button', { name: 'Begin' }).click()
    await page.getByRole('heading', { level: 1, name: 'p-1' }).waitFor()
    expect((await polaris.get('p-1'))?.data).toEqual({ Draft: { text: 'Short' } })

    await seen.go('/workflows/paper')
    await page.getByRole('button', { name: 'New instance' }).click()
    await dialog.getByLabel('Id').fill('p-1')
    await text.fill('Other')
    await dialog.getByRole('button', { name: 'Begin' }).click()
    await dialog.getByText(/already|exists/).waitFor()
    expect((await polaris.get('p-1'))?.data).toEqual({ Draft: { text: 'Short' } })
  })

  it('takes a review for the draft that was seen, and shows what was made of what', async () => {
    const { page } = seen
    const executor = polaris.executor()
    await executor.sequential(paper, 'p-2', Draft({ text: 'First' }))
    await seen.go('/instances/p-2')
    const subject = page.getByLabel('Given for Draft')
    expect(await subject.inputValue()).toBe('1')
    await page.getByRole('textbox', { name: 'by' }).fill('Ann')
    await executor.sequential(paper, 'p-2', Draft({ text: 'Second' }))
    await page.getByText('It was replaced since').waitFor()
    await page.getByRole('button', { name: 'Feed', exact: true }).click()
    await page.getByText(/Nothing was stored/).waitFor()
    expect((await polaris.get('p-2'))?.data).not.toHaveProperty('Review')
    await subject.selectOption('2')
    await page.getByRole('button', { name: 'Feed', exact: true }).click()
    await page.getByRole('status', { name: 'Status' }).getByText('Completed').waitFor()
    expect((await polaris.get('p-2'))?.data).toMatchObject({ Published: 'Second (Ann)' })

    await seen.go('/instances/p-2?view=data')
    await page.getByText('Made from Draft #2, Review #3').waitFor()
    await page.getByText('Went into Published #4').first().waitFor()
    await page.getByText('Made from').getByRole('button', { name: 'Draft' }).first().click()
    await page.getByRole('complementary', { name: 'About Draft' }).waitFor()
    expect(await seriousFaults(page)).toEqual([])
  })
})
