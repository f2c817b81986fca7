import type { Browser } from 'playwright-core'
import type { Polaris } from 'polaris-workflow'
import type { Served } from 'polaris-workflow/http'
import { serve } from 'polaris-workflow/http'
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { launch, needsBrowser, visit } from './browser.ts'
import type { Visit } from './browser.ts'

/** Before each test a service over another Polaris, and a page of it that is signed in; after each, that nothing was amiss. */
export function browsing(make: () => Polaris): { readonly polaris: Polaris; readonly seen: Visit } {
  let browser: Browser | undefined
  let service: Served
  let polaris: Polaris
  let seen: Visit
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser?.close())
  beforeEach(async (context) => {
    needsBrowser(context)
    polaris = make()
    service = await serve(polaris, { port: 0 })
    seen = await visit(browser as Browser, { dashboard: service.url, token: service.token ?? '' })
  })
  afterEach(async () => {
    if (browser === undefined) return
    // Nothing that the policy of the pages refused, and no error that nobody caught.
    expect(seen.complaints).toEqual([])
    await seen.page.context().close()
    await service.close()
    await polaris.close()
  })
  return {
    get polaris() {
      return polaris
    },
    get seen() {
      return seen
    },
  }
}
